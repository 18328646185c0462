/** Rejects as soon as the signal aborts, even if the promise settles later or never. */
export function rejectOnAbort<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener("abort", onAbort)
    const detach = () => signal.removeEventListener("abort", onAbort)
    promise.then(resolve, reject).then(detach)
  })
}

/** Returns a controller that aborts with the signal, and a function that detaches it from the signal. */
export function linkController(signal: AbortSignal | undefined) {
  const controller = new AbortController()
  const onAbort = () => controller.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener("abort", onAbort, { once: true })
  return { controller, detach: () => signal?.removeEventListener("abort", onAbort) }
}
