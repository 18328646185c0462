/**
 * A signal that aborts with `signal` until `release` is called. Given to an SDK in place of `signal` it keeps the SDK's
 * listener off it: a run's signal lives longer than its calls.
 */
export function linkedSignal(signal: AbortSignal): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener("abort", abort, { once: true })
  return { signal: controller.signal, release: () => signal.removeEventListener("abort", abort) }
}
