/** Memory for the request bodies that are being read and handled in this process. */
export interface BodyBudget {
  /** Opens one request's part of what its owner may use. */
  open(owner: string): BodyShare
}

export interface BodyShare {
  /** Takes more bytes. False if that is more than the owner, or all owners together, may hold. */
  take(bytes: number): boolean
  /** Returns everything that was taken. Called once, when the request has been handled. */
  release(): void
}

export interface BodyBudgetLimits {
  /** Bytes of one owner's requests together. */
  readonly ownerBytes: number
  readonly totalBytes: number
}

export function createBodyBudget({ ownerBytes, totalBytes }: BodyBudgetLimits): BodyBudget {
  const heldBy = new Map<string, number>()
  let held = 0

  return {
    open(owner) {
      let taken = 0
      return {
        take(bytes) {
          const ofOwner = (heldBy.get(owner) ?? 0) + bytes
          if (ofOwner > ownerBytes || held + bytes > totalBytes) return false
          heldBy.set(owner, ofOwner)
          held += bytes
          taken += bytes
          return true
        },
        release() {
          const ofOwner = (heldBy.get(owner) ?? 0) - taken
          if (ofOwner > 0) heldBy.set(owner, ofOwner)
          else heldBy.delete(owner)
          held -= taken
          taken = 0
        },
      }
    },
  }
}
