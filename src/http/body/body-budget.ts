import type { Principal } from "../../core/ports/session-log.ts"

/** Memory for the request bodies that are being read and handled in this process. */
export interface BodyBudget {
  /** Opens one request's part of what its owner may use. */
  open(owner: Principal): BodyShare
}

export interface BodyShare {
  /** Makes the share this large, if it is smaller. Returns false if others would then have too little. */
  takeUpTo(bytes: number): boolean
  /** Returns everything that was taken. Called once, when the request has been handled. */
  release(): void
}

export interface BodyBudgetLimits {
  /** Bytes of one owner's requests together. */
  readonly ownerBytes: number
  readonly totalBytes: number
  /**
   * The last bytes of all, which only tenants without a body receive, and of each tenant's three quarters, which only
   * its users without one receive. Slow uploads of a few clients can hold all the others as long as they like.
   */
  readonly keptBytes: number
}

/** Part of the whole that the owners of one tenant may use together. */
const tenantShare = 3 / 4

export function createBodyBudget({ ownerBytes, totalBytes, keptBytes }: BodyBudgetLimits): BodyBudget {
  const tenantBytes = totalBytes * tenantShare
  const heldByOwner = new Map<string, number>()
  const heldByTenant = new Map<string, number>()
  let held = 0

  return {
    open({ tenant, userId }) {
      const owner = JSON.stringify([tenant, userId])
      let taken = 0

      /** Returns the bytes that a request may reach: fewer if other requests of the same owner or tenant hold some. */
      const bytesFor = (bytes: number, ofOthers: number) => bytes - (ofOthers === 0 ? 0 : keptBytes)

      return {
        takeUpTo(bytes) {
          const more = Math.max(bytes - taken, 0)
          const ofOwner = heldByOwner.get(owner) ?? 0
          const ofTenant = heldByTenant.get(tenant) ?? 0
          if (ofOwner + more > ownerBytes) return false
          if (ofTenant + more > bytesFor(tenantBytes, ofOwner - taken)) return false
          if (held + more > bytesFor(totalBytes, ofTenant - taken)) return false
          add(heldByOwner, owner, more)
          add(heldByTenant, tenant, more)
          held += more
          taken += more
          return true
        },
        release() {
          add(heldByOwner, owner, -taken)
          add(heldByTenant, tenant, -taken)
          held -= taken
          taken = 0
        },
      }
    },
  }
}

/** Changes a number of a map, which holds none that are 0. */
function add(held: Map<string, number>, key: string, bytes: number): void {
  const sum = (held.get(key) ?? 0) + bytes
  if (sum > 0) held.set(key, sum)
  else held.delete(key)
}
