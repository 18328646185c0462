import { rejectOnAbort } from "./abort.ts"
import { ChatError } from "./chat-error.ts"

const maxDelayMs = 30_000
/** The client does not wait longer than this, even if a gateway asks for it. */
const maxRetryAfterMs = 60_000
/**
 * Maximum failures in a row at a gateway that has never responded, so that a wrong address is reported within
 * seconds.
 */
const firstContactRetries = 4

export interface RetryPolicy {
  /** Milliseconds after the first failure. The delay doubles with each further one. */
  readonly firstDelayMs: number
  /** Number of failures in a row after which the error is thrown. */
  readonly maxRetries: number
  /** Returns true if the gateway has responded to any request of this client. */
  readonly reached: () => boolean
}

/**
 * Returns the milliseconds before the next attempt, with jitter, so that clients of a restarted gateway do not all
 * return at the same moment. Throws the error if another attempt is useless.
 */
export function computeRetryDelay(
  error: unknown,
  failures: number,
  { firstDelayMs, maxRetries, reached }: RetryPolicy,
): number {
  const limit = reached() ? maxRetries : Math.min(maxRetries, firstContactRetries)
  const retryAfterMs = error instanceof ChatError ? (error.retryAfterMs ?? 0) : 0
  if (!isTransient(error) || failures > limit || retryAfterMs > maxRetryAfterMs) throw error
  const backoffMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - 1))
  const jitter = Math.random()
  return retryAfterMs > 0
    ? Math.max(retryAfterMs, backoffMs) * (1 + jitter / 4)
    : backoffMs * (0.5 + jitter / 2)
}

/**
 * Returns true for a transient error. `fetch` throws a `TypeError` without a network, but the user's callbacks may
 * throw one too.
 */
function isTransient(error: unknown): boolean {
  return error instanceof ChatError ? error.retryable : error instanceof TypeError
}

/** Resolves after the delay, or when a browser is online again. Rejects when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  // Only pages have this event.
  const page = globalThis as unknown as Partial<EventTarget>
  let finish = () => {}
  const waking = new Promise<void>((resolve) => {
    const onOnline = () => resolve()
    const timer = setTimeout(onOnline, ms)
    page.addEventListener?.("online", onOnline)
    finish = () => {
      clearTimeout(timer)
      page.removeEventListener?.("online", onOnline)
    }
  })
  return rejectOnAbort(waking, signal).finally(finish)
}
