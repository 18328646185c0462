import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Memory } from "../../core/ports/store/memory.ts"

const intervalMs = 10 * 60_000
/** Maximum memories that one statement deletes. */
const slice = 200
/** Maximum number of slices in one round. */
const maxSlices = 50

/** Deletes expired memories every ten minutes. Returns a function that stops this and waits for the current round. */
export function pruneOnSchedule(store: Memory, logger: Logger): () => Promise<void> {
  let pruning: Promise<void> | null = null
  let isStopped = false
  const prune = async () => {
    try {
      for (let slices = 0; slices < maxSlices && !isStopped; slices++) {
        if ((await store.prune(slice)) < slice) return
      }
    } catch (error) {
      logger.warn(
        { error: toError(error) },
        "Deleting expired memories failed. The gateway tries again in ten minutes.",
      )
    } finally {
      pruning = null
    }
  }
  const timer = setInterval(() => {
    pruning ??= prune()
  }, intervalMs)
  timer.unref()
  return async () => {
    isStopped = true
    clearInterval(timer)
    await pruning
  }
}
