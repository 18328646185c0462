/**
 * Returns a signal that aborts with `signal` until `release` is called. An SDK receives it in place of `signal`, so
 * that the SDK's listener does not stay on a run's signal, which outlives its calls.
 */
export function linkSignal(signal: AbortSignal): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener("abort", abort, { once: true })
  return { signal: controller.signal, release: () => signal.removeEventListener("abort", abort) }
}
