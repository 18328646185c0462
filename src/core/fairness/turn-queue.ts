import type { Principal } from "../ports/store/session-log.ts"
import { hasPlace } from "./places-for-newcomers.ts"
import { createTurnOrder } from "./turn-order.ts"

/**
 * A queue in which tenants take turns, and so do the users of a tenant. One user may fill a quarter of the queue, and
 * one tenant three quarters. The last places of the queue, and of a tenant's part of it, are for users who have no item
 * in it.
 */
export interface TurnQueue<Item> {
  /** Adds an item. Returns false if the queue, or the part of it that the owner may use, is full. */
  add(owner: Principal, item: Item): boolean
  /** Returns the next item of an owner who may have a turn now. Null if there is none. */
  take(mayHaveTurn?: (owner: Principal) => boolean): Item | null
  remove(owner: Principal, item: Item): void
}

export function createTurnQueue<Item>(maxEntries: number): TurnQueue<Item> {
  const maxOfTenant = Math.max(1, Math.floor((maxEntries * 3) / 4))
  const maxOfUser = Math.max(1, Math.floor(maxEntries / 4))
  /** The items of each owner in the order of their arrival. Owners without items are left out. */
  const owners = createTurnOrder<Set<Item>>()
  const ofTenants = new Map<string, number>()
  let entries = 0

  function count({ tenant }: Principal, change: 1 | -1): void {
    entries += change
    const left = (ofTenants.get(tenant) ?? 0) + change
    if (left === 0) ofTenants.delete(tenant)
    else ofTenants.set(tenant, left)
  }

  function drop(owner: Principal, items: Set<Item>, item: Item): void {
    if (!items.delete(item)) return
    count(owner, -1)
    if (items.size === 0) owners.delete(owner)
  }

  return {
    add(owner, item) {
      const items = owners.get(owner) ?? new Set()
      const isNew = items.size === 0
      const ofTenant = ofTenants.get(owner.tenant) ?? 0
      if (!hasPlace(entries, maxEntries, isNew) || !hasPlace(ofTenant, maxOfTenant, isNew)) return false
      if (items.size >= maxOfUser) return false
      owners.set(owner, items.add(item))
      count(owner, 1)
      return true
    },
    take(mayHaveTurn = () => true) {
      for (const [owner, items] of owners) {
        const [item] = items
        if (item === undefined || !mayHaveTurn(owner)) continue
        owners.moveToEnd(owner)
        drop(owner, items, item)
        return item
      }
      return null
    },
    remove(owner, item) {
      const items = owners.get(owner)
      if (items !== undefined) drop(owner, items, item)
    },
  }
}
