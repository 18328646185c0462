import { ChatError } from "./chat-error.ts"

const maxDelayMs = 30_000
/** A gateway that asks for more is not waited for. */
const maxRetryAfterMs = 60_000
/**
 * Failures in a row after which a gateway that never answered is reported. A wrong address is found out within
 * seconds.
 */
const firstContactRetries = 4

export interface RetryPolicy {
  /** Delay after the first failure in milliseconds. It doubles with each further one. */
  readonly firstDelayMs: number
  /** Failures in a row after which the error is thrown. */
  readonly maxRetries: number
  /** Returns true once the gateway has answered any request of this client. */
  readonly reached: () => boolean
}

/**
 * Returns the delay before the next attempt in milliseconds, with jitter, so that clients of a restarted gateway do not
 * come back at the same moment. Throws the error if another attempt is of no use.
 */
export function delayAfter(
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

/** A `TypeError` is what `fetch` throws without a network, in the user's callbacks too. */
function isTransient(error: unknown): boolean {
  return error instanceof ChatError ? error.retryable : error instanceof TypeError
}

/** Resolves after the delay, or as soon as a browser is online again. Rejects when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  // Only pages have this event.
  const page = globalThis as unknown as Partial<EventTarget>
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener("abort", onAbort)
      page.removeEventListener?.("online", onOnline)
      settle()
    }
    const onAbort = () => finish(() => reject(signal.reason))
    const onOnline = () => finish(resolve)
    const timer = setTimeout(onOnline, ms)
    if (signal.aborted) return onAbort()
    signal.addEventListener("abort", onAbort, { once: true })
    page.addEventListener?.("online", onOnline)
  })
}
