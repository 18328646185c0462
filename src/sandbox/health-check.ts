import { toError } from "../core/errors.ts"

/** Resolves to null while what is checked works, and to the error otherwise. */
export type HealthCheck = () => Promise<Error | null>

export interface HealthCheckOptions {
  /** Rejects if what is checked does not work. */
  readonly ping: () => Promise<unknown>
  /** Longest time that a caller waits. Default 1 000, for whoever probes a gateway does not wait long either. */
  readonly timeoutMs?: number
  /** Time for which callers receive the last outcome without another ping. Default 5 000. */
  readonly keptMs?: number
}

/** However many callers ask, and however often: at most one ping is under way, and one starts every `keptMs`. */
export function createHealthCheck({
  ping,
  timeoutMs = 1_000,
  keptMs = 5_000,
}: HealthCheckOptions): HealthCheck {
  let last: { readonly outcome: Promise<Error | null>; readonly at: number } | null = null
  return () => {
    if (last === null || performance.now() - last.at >= keptMs) {
      last = { outcome: outcomeOf(ping, timeoutMs), at: performance.now() }
    }
    return last.outcome
  }
}

async function outcomeOf(ping: HealthCheckOptions["ping"], timeoutMs: number): Promise<Error | null> {
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
