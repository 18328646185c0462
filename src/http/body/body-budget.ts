import type { Principal } from "../../core/ports/store/session-log.ts"

/** Memory for the request bodies that are being read and handled in this process. */
export interface BodyBudget {
  /** Opens the share of one request in its owner's memory. */
  open(owner: Principal): BodyShare
}

export interface BodyShare {
  /** Increases the share to this size. Returns false if that would leave too little for others. */
  takeUpTo(bytes: number): boolean
  /** Releases the whole share. Called once, when the request has been handled. */
  release(): void
}

export interface BodyBudgetLimits {
  /** Maximum bytes of one owner's requests together. */
  readonly ownerBytes: number
  readonly totalBytes: number
  /**
   * Bytes reserved for tenants without a body, and in each tenant's three quarters for its users without one. Slow
   * uploads of a few clients can hold all other bytes as long as they like.
   */
  readonly keptBytes: number
}

/** Share of the whole that the owners of one tenant may use together. */
const tenantShare = 3 / 4

export function createBodyBudget({ ownerBytes, totalBytes, keptBytes }: BodyBudgetLimits): BodyBudget {
  const tenantBytes = totalBytes * tenantShare
  const heldByOwner = new Map<string, number>()
  const heldByTenant = new Map<string, number>()
  let totalHeld = 0

  return {
    open({ tenant, userId }) {
      const owner = JSON.stringify([tenant, userId])
      let taken = 0

      /**
       * Returns the maximum bytes of a request. It is lower if other requests of the same owner or tenant hold
       * memory.
       */
      const computeBytes = (bytes: number, ofOthers: number) => bytes - (ofOthers === 0 ? 0 : keptBytes)

      return {
        takeUpTo(bytes) {
          const more = Math.max(bytes - taken, 0)
          const ofOwner = heldByOwner.get(owner) ?? 0
          const ofTenant = heldByTenant.get(tenant) ?? 0
          if (ofOwner + more > ownerBytes) return false
          if (ofTenant + more > computeBytes(tenantBytes, ofOwner - taken)) return false
          if (totalHeld + more > computeBytes(totalBytes, ofTenant - taken)) return false
          add(heldByOwner, owner, more)
          add(heldByTenant, tenant, more)
          totalHeld += more
          taken += more
          return true
        },
        release() {
          add(heldByOwner, owner, -taken)
          add(heldByTenant, tenant, -taken)
          totalHeld -= taken
          taken = 0
        },
      }
    },
  }
}

/** Adds to a number of a map, and removes numbers that become 0. */
function add(held: Map<string, number>, key: string, bytes: number): void {
  const sum = (held.get(key) ?? 0) + bytes
  if (sum > 0) held.set(key, sum)
  else held.delete(key)
}
