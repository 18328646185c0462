import type { Logger } from "../../core/ports/logger.ts"

/** Calls callbacks of the application that return nothing, and notices those that fail later. */
export interface CallbackWatch {
  /** Aborted when an asynchronous callback has failed. */
  readonly signal: AbortSignal
  /** Calls a callback. Throws its error. Does not wait for an asynchronous callback. */
  call(callback: () => unknown): void
  /** Throws the error of the first asynchronous callback that has failed. */
  throwIfFailed(): void
}

/**
 * Creates the watch of one run. An async function is a valid callback for TypeScript, and an error that nothing handles
 * would end the process.
 */
export function createCallbackWatch(logger: Logger): CallbackWatch {
  const failing = new AbortController()
  return {
    signal: failing.signal,
    call(callback) {
      const outcome = callback()
      if (outcome === undefined) return
      Promise.resolve(outcome).catch((error: unknown) => {
        // The run may have ended before, so that no caller receives the error.
        logger.warn({ error }, "An asynchronous callback of a run failed.")
        failing.abort(error)
      })
    },
    throwIfFailed() {
      failing.signal.throwIfAborted()
    },
  }
}
