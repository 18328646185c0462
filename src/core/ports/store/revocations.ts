import type { Principal } from "./session-log.ts"

/**
 * The times from which the tokens of users are valid. A token carries the time that applied when it was issued, and
 * is revoked if the stored one is later. Clocks of gateways therefore play no part.
 */
export interface Revocations {
  /** Resolves to the principal's time, in milliseconds since the Unix epoch. 0 if nothing was ever revoked. */
  validAfter(principal: Principal): Promise<number>
  /**
   * Revokes all tokens of the principal that were issued until now. Resolves to the new time: that of the store's
   * clock, and at least one millisecond after the former one.
   */
  revoke(principal: Principal): Promise<number>
}
