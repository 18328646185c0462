import type { PutOutcome } from "../../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../../core/ports/store/storage-limits.ts"

/** Returns the reason why a session accepts no further message. Null if it accepts one. */
export function checkStorage(
  storedBytes: number,
  limits: StorageLimits | undefined,
): Extract<PutOutcome, { status: "full" }> | null {
  if (limits === undefined) return null
  if (storedBytes >= limits.sessionBytes) return { status: "full", scope: "session" }
  return limits.principalIsFull ? { status: "full", scope: "principal" } : null
}
