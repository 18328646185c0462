import type { Principal } from "./ports/session-log.ts"

/** Values of principals in the order of their turns: tenants take turns, and within a tenant its principals. */
export interface TurnOrder<Value> extends Iterable<readonly [Principal, Value]> {
  get(principal: Principal): Value | undefined
  /** Adds a principal or changes its value. A new one has its turn last, and so has a new tenant. */
  set(principal: Principal, value: Value): void
  /** Makes the next turn of the principal its tenant's last one, and the tenant's next turn the last of all. */
  moveToEnd(principal: Principal): void
  /** Leaves the turns of others as they are, also in the same tenant. */
  delete(principal: Principal): void
}

export function createTurnOrder<Value>(): TurnOrder<Value> {
  /** A map keeps the order in which its keys were added. */
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
