import type { Principal } from "../ports/store/session-log.ts"
import { createLedger } from "./ledger.ts"
import { computePlacesForNewcomers } from "./places-for-newcomers.ts"
import { createTurnOrder } from "./turn-order.ts"

/**
 * A queue in which tenants take turns, and so do the users of a tenant. One user may fill a quarter of the queue, and
 * one tenant three quarters. The last places of the queue are for tenants without an item in it, and the last ones of
 * a tenant's part for its users without one.
 */
export interface TurnQueue<Item> {
  /** Adds an item. Returns false if the queue, or the part of it that the owner may use, is full. */
  add(owner: Principal, item: Item): boolean
  /** Returns the next item that may start now, of an owner who may have a turn now. Null if there is none. */
  take(
    mayHaveTurn?: (owner: Principal) => boolean,
    mayStart?: (owner: Principal, item: Item) => boolean,
  ): Item | null
  /** Removes an item. Does nothing if it is no longer in the queue. */
  remove(owner: Principal, item: Item): void
}

/** Computes the limits of a queue with this number of entries. */
export function computeQueueLimits(maxEntries: number) {
  const maxOfTenant = Math.max(1, Math.floor((maxEntries * 3) / 4))
  return {
    max: maxEntries,
    maxOfTenant,
    maxOfUser: Math.max(1, Math.floor(maxEntries / 4)),
    kept: computePlacesForNewcomers(maxEntries),
    keptOfTenant: computePlacesForNewcomers(maxOfTenant),
  }
}

export function createTurnQueue<Item>(maxEntries: number): TurnQueue<Item> {
  /** The items of each owner in the order of their arrival. Owners without items are left out. */
  const owners = createTurnOrder<Set<Item>>()
  const places = createLedger(computeQueueLimits(maxEntries))

  function remove(owner: Principal, item: Item): void {
    const items = owners.get(owner)
    if (items?.delete(item) !== true) return
    places.add(owner, -1)
    if (items.size === 0) owners.delete(owner)
  }

  return {
    add(owner, item) {
      if (!places.fits(owner, 1)) return false
      owners.set(owner, (owners.get(owner) ?? new Set()).add(item))
      places.add(owner, 1)
      return true
    },
    take(mayHaveTurn = () => true, mayStart = () => true) {
      for (const [owner, items] of owners) {
        if (!mayHaveTurn(owner)) continue
        for (const item of items) {
          if (!mayStart(owner, item)) continue
          owners.moveToEnd(owner)
          remove(owner, item)
          return item
        }
      }
      return null
    },
    remove,
  }
}
