/**
 * Settles with the promise, or rejects with the signal's reason as soon as it aborts. The work behind the promise
 * continues, but its later outcome is ignored.
 */
export function rejectOnAbort<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener("abort", abort, { once: true })
    const forget = () => signal.removeEventListener("abort", abort)
    work.then(resolve, reject).then(forget, forget)
  })
}
