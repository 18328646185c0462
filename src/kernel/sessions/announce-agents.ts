import type { Logger } from "../../core/ports/logger.ts"
import type { Directory } from "../../core/ports/store/directory.ts"
import { sleep } from "../../core/time/sleep.ts"

const retryMs = 10_000

export interface AnnounceOptions {
  readonly directory: Pick<Directory, "serve">
  readonly agents: readonly string[]
  readonly logger: Logger
}

/**
 * Publishes the agents that this process serves. Resolves after the first attempt, because a gateway also starts
 * while its store accepts no writes. Repeats the attempt until it succeeds. Returns a function that stops the
 * repetition.
 */
export async function announceAgents({ directory, agents, logger }: AnnounceOptions): Promise<() => void> {
  const stop = new AbortController()
  const announce = async (): Promise<boolean> => {
    try {
      await directory.serve(agents)
      return true
    } catch (error) {
      logger.warn(
        { error, agents },
        "The agents of this process could not be announced. Until that succeeds, their runs may be listed as unserved.",
      )
      return false
    }
  }
  const repeat = async () => {
    do await sleep(retryMs, stop.signal)
    while (!stop.signal.aborted && !(await announce()))
  }
  if (!(await announce())) void repeat()
  return () => stop.abort()
}
