/** Rejects as soon as the signal aborts, even if the promise settles later or never. */
export function rejectOnAbort<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener("abort", onAbort, { once: true })
    const settle = () => signal.removeEventListener("abort", onAbort)
    promise.then(
      (value) => {
        settle()
        resolve(value)
      },
      (error: unknown) => {
        settle()
        reject(error)
      },
    )
  })
}

/** Returns a controller that aborts with any of the signals, and a function that detaches it from them. */
export function linkController(...signals: readonly (AbortSignal | undefined)[]) {
  const controller = new AbortController()
  const detachers = signals.map((signal) => {
    const onAbort = () => controller.abort(signal?.reason)
    if (signal?.aborted) onAbort()
    signal?.addEventListener("abort", onAbort, { once: true })
    return () => signal?.removeEventListener("abort", onAbort)
  })
  return {
    controller,
    detach() {
      for (const detach of detachers) detach()
    },
  }
}
