import type { Principal } from "../ports/store/session-log.ts"

/** Values of principals in the order of their turns. Tenants take turns, and so do the principals of a tenant. */
export interface TurnOrder<Value> extends Iterable<readonly [Principal, Value]> {
  get(principal: Principal): Value | undefined
  /** Adds a principal or changes its value. A new principal gets the last turn, and so does a new tenant. */
  set(principal: Principal, value: Value): void
  /**
   * Makes the next turn of the principal the last one of its tenant, and the next turn of the tenant the last one of
   * all.
   */
  moveToEnd(principal: Principal): void
  /** Removes the principal. The turns of others do not change, even in the same tenant. */
  delete(principal: Principal): void
}

export function createTurnOrder<Value>(): TurnOrder<Value> {
  /**
   * Tenants and principals whose next turn comes first are first in the maps, because a map keeps insertion order.
   */
  const tenants = new Map<string, Map<string, Value>>()

  return {
    get: ({ tenant, userId }) => tenants.get(tenant)?.get(userId),

    set({ tenant, userId }, value) {
      const users = tenants.get(tenant) ?? new Map<string, Value>()
      tenants.set(tenant, users.set(userId, value))
    },

    moveToEnd({ tenant, userId }) {
      const users = tenants.get(tenant)
      if (users === undefined) return
      moveToEnd(users, userId)
      moveToEnd(tenants, tenant)
    },

    delete({ tenant, userId }) {
      const users = tenants.get(tenant)
      users?.delete(userId)
      if (users?.size === 0) tenants.delete(tenant)
    },

    *[Symbol.iterator]() {
      for (const [tenant, users] of tenants) {
        for (const [userId, value] of users) yield [{ tenant, userId }, value]
      }
    },
  }
}

function moveToEnd<Value>(map: Map<string, Value>, key: string): void {
  const value = map.get(key)
  if (value === undefined) return
  map.delete(key)
  map.set(key, value)
}
