import { toError } from "../../core/errors.ts"

/** Resolves to null if the checked service works, and otherwise to the error. */
export type HealthCheck = () => Promise<Error | null>

export interface HealthCheckOptions {
  /** Rejects if the checked service does not work. */
  readonly ping: () => Promise<unknown>
  /**
   * Maximum milliseconds that a caller waits. Default 1 000, because clients that probe a gateway do not wait long.
   */
  readonly timeoutMs?: number
  /** Milliseconds for which callers receive the last outcome without another ping. Default 5 000. */
  readonly keptMs?: number
}

/**
 * Creates a check. However many callers ask, and however often, at most one ping is in progress, and one starts every
 * `keptMs`.
 */
export function createHealthCheck({
  ping,
  timeoutMs = 1_000,
  keptMs = 5_000,
}: HealthCheckOptions): HealthCheck {
  let last: { readonly outcome: Promise<Error | null>; readonly at: number } | null = null
  return () => {
    if (last === null || performance.now() - last.at >= keptMs) {
      last = { outcome: callPing(ping, timeoutMs), at: performance.now() }
    }
    return last.outcome
  }
}

async function callPing(ping: HealthCheckOptions["ping"], timeoutMs: number): Promise<Error | null> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no response within ${timeoutMs} ms`)), timeoutMs)
  try {
    await Promise.race([ping(), late.promise])
    return null
  } catch (error) {
    return toError(error)
  } finally {
    clearTimeout(timer)
  }
}
