/** Memory for the request bodies that are being read and handled in this process. */
export interface BodyBudget {
  /** Opens one request's part of what its owner may use. */
  open(owner: string): BodyShare
}

export interface BodyShare {
  /** Makes the share this large, if it is smaller. False if the owner, or all owners together, would hold too much. */
  takeUpTo(bytes: number): boolean
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
        takeUpTo(bytes) {
          const more = Math.max(bytes - taken, 0)
          const ofOwner = (heldBy.get(owner) ?? 0) + more
          if (ofOwner > ownerBytes || held + more > totalBytes) return false
          heldBy.set(owner, ofOwner)
          held += more
          taken += more
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
