/** A signal for one call that follows a signal which outlives the call. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  /** Aborts this signal only. */
  abort(): void
  /** Ends the link, so that no listener stays on the other signal. */
  release(): void
}

/** Returns a signal that aborts with `signal` until `release` is called. */
export function linkSignal(signal: AbortSignal): LinkedSignal {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener("abort", abort, { once: true })
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    release: () => signal.removeEventListener("abort", abort),
  }
}
