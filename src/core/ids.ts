/** Creates identifiers of the form `prefix_xxxxxxxx`. Injected, so that tests are deterministic. */
export interface Ids {
  next(prefix: IdPrefix): string
}

export type IdPrefix =
  | "sess"
  | "run"
  | "step"
  | "msg"
  | "call"
  | "wait"
  | "nonce"
  | "key"
  | "sched"
  | "cmp"
  | "task"
  | "store"

/** Number of base-36 digits of a time in milliseconds since the Unix epoch. They are enough until the year 5188. */
const timeDigits = 9

/**
 * Nonces and keys have 122 random bits from the Web Crypto API. All other ids start with the time and have 62 random
 * bits, so that rows that are written together are close together in a store's indexes. With fully random ids, each
 * row of a commit is on a page of its own, and a short run needs a quarter more CPU time. The ids are safe to show
 * and safe as path segments.
 */
export const randomIds: Ids = {
  next(prefix) {
    const random = crypto.randomUUID().replaceAll("-", "")
    if (prefix === "nonce" || prefix === "key") return `${prefix}_${random}`
    const time = Date.now().toString(36).padStart(timeDigits, "0")
    // The first half contains the fixed digit of the UUID version.
    return `${prefix}_${time}${random.slice(16)}`
  },
}
