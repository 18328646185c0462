import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/ports/logger.ts"

const reapIntervalMs = 60_000

/**
 * Calls the tasks one after the other once a minute. Returns a function that stops this and waits for the task in
 * progress.
 */
export function reapOnSchedule(
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
  logger: Logger,
): () => Promise<void> {
  let reaping: Promise<void> | null = null
  const stop = new AbortController()
  const reap = async () => {
    for (const task of tasks) {
      await task(stop.signal).catch((error: unknown) => {
        if (stop.signal.aborted) return
        logger.warn(
          { error: toError(error) },
          "Old sandboxes could not be removed. The gateway tries again in a minute.",
        )
      })
    }
    reaping = null
  }
  const timer = setInterval(() => {
    reaping ??= reap()
  }, reapIntervalMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    stop.abort(new Error("The gateway is closing."))
    // The task reads the store, which is closed next.
    await reaping
  }
}
