/** Makes identifiers of the form `prefix_xxxxxxxx`. Injected, so that tests are deterministic. */
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

/** Digits of a time in milliseconds since the Unix epoch, in base 36: enough until the year 5188. */
const timeDigits = 9

/**
 * Nonces and keys have 122 bits of randomness from the Web Crypto API. All other ids begin with the time and have 62
 * random bits: rows that are written together then lie together in a store's indexes. With random ids each row of a
 * commit is on a page of its own, and a short run takes a quarter more CPU time. Safe to show, and safe as a path
 * segment.
 */
export const randomIds: Ids = {
  next(prefix) {
    const random = crypto.randomUUID().replaceAll("-", "")
    if (prefix === "nonce" || prefix === "key") return `${prefix}_${random}`
    const time = Date.now().toString(36).padStart(timeDigits, "0")
    // The first half has the fixed digit of the version.
    return `${prefix}_${time}${random.slice(16)}`
  },
}
