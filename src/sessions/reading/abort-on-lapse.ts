import type { Hold } from "../../core/ports/run/hold.ts"

export interface LinkedSignal {
  readonly signal: AbortSignal
  release(): void
}

/**
 * Returns a signal that aborts with `signal`, and when this process's hold lapses. After a lapse a view may be
 * outdated, because another process may have continued the session. Its subscriber should reconnect elsewhere.
 * `release` must be called when the view has ended.
 */
export function abortOnLapse(hold: Hold, signal: AbortSignal): LinkedSignal {
  const ending = new AbortController()
  const end = () => ending.abort(signal.reason)
  const forget = hold.onLapse(end)
  signal.addEventListener("abort", end, { once: true })
  if (signal.aborted) end()
  return {
    signal: ending.signal,
    release() {
      forget()
      signal.removeEventListener("abort", end)
    },
  }
}
