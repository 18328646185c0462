import type { Logger } from "../../core/ports/logger.ts"
import type { StorePause } from "../../core/ports/store/pause.ts"
import { sleep } from "../../core/time/sleep.ts"

const pollMs = 1_000
const howToResume = "To resume it, run: agent-gateway store resume"

export const pausedDetail = `The store is paused after a restore. ${howToResume}`

/** The pause of a store during the life of a gateway. */
export interface PauseWatch {
  readonly isPaused: boolean
  /** Resolves to true when the store is not paused, and to false if the gateway is closed before. Never rejects. */
  readonly resumed: Promise<boolean>
}

/** Reads the pause of a store, and then waits until an operator resumes it. */
export async function watchPause(
  pause: StorePause | undefined,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<PauseWatch> {
  let isPaused = ((await pause?.since()) ?? null) !== null

  async function wait(): Promise<boolean> {
    while (isPaused && !signal.aborted) {
      await sleep(pollMs, signal)
      try {
        isPaused = ((await pause?.since()) ?? null) !== null
      } catch (error) {
        if (!signal.aborted)
          logger.warn({ error }, "The pause of the store could not be read. It is read again soon.")
      }
    }
    if (isPaused) return false
    logger.info({}, "The store was resumed. Its runs, deliveries and schedules start.")
    return true
  }

  if (!isPaused) return { isPaused: false, resumed: Promise.resolve(true) }
  logger.warn({}, `The store is paused after a restore: no run, delivery or schedule starts. ${howToResume}`)
  const resumed = wait()
  return {
    get isPaused() {
      return isPaused
    },
    resumed,
  }
}
