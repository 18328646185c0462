import type { Hold } from "../../core/ports/run/hold.ts"

/**
 * Yields the entries of a view until this process's hold lapses, then ends without a terminal entry. After a lapse
 * the view may be outdated, because another process may have continued the session. Its subscriber should reconnect
 * elsewhere. `view` receives the signal that ends it.
 */
export async function* untilLapse<T>(
  { hold, signal }: { readonly hold: Hold; readonly signal: AbortSignal },
  view: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const ending = new AbortController()
  const end = () => ending.abort(signal.reason)
  const forget = hold.onLapse(end)
  signal.addEventListener("abort", end, { once: true })
  if (signal.aborted) end()
  try {
    yield* view(ending.signal)
  } finally {
    forget()
    signal.removeEventListener("abort", end)
  }
}
