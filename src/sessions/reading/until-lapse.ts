import type { Hold } from "../../core/ports/hold.ts"

/**
 * Yields what a view yields until this process's hold lapses; then ends it, without a terminal entry. From then on
 * the view may show what another process has long overtaken, so its subscriber is to come back elsewhere. `view` is
 * given the signal that ends it.
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
