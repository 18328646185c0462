/** Bounds for a new message, checked after its idempotency key and after the open run. */
export interface StorageLimits {
  /** A session that stores this number of bytes accepts no further message. */
  readonly sessionBytes: number
  /** If true, the session's principal has used all of its storage. */
  readonly principalIsFull: boolean
}
