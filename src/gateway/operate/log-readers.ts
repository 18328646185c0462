import { isTerminal } from "../../core/log/entries.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { explainFailure } from "../../core/runs/explain-failure.ts"
import { createCosts, type RunEnd } from "../../operations/costs.ts"
import type { OperationParts } from "../../operations/parts.ts"
import { createFirstMessageReader } from "../../operations/read-first-message.ts"
import { createTitles } from "../../operations/titles.ts"
import type { Mask } from "../../platform/logging/mask.ts"

const pageOfEvents = { limit: 500, maxCharacters: 1_000_000, deltas: false, replacedHistories: false }

/** Maximum characters of an error in a list. */
const maxError = 300

/** Creates what the operations read from the logs of sessions. `mask` hides secrets. */
export function createLogReaders(
  { log, directory }: Pick<Store, "log" | "directory">,
  mask: Mask,
): Pick<OperationParts, "titles" | "costs" | "readEvents"> {
  async function readEnd(sessionId: string, runId: string): Promise<RunEnd | null> {
    const endSeq = (await log.run(sessionId, runId))?.endSeq ?? null
    if (endSeq === null) return null
    const [entry] = await log.read(sessionId, { ...pageOfEvents, limit: 1, afterSeq: endSeq - 1 })
    if (entry?.kind !== "event" || !isTerminal(entry.event)) return null
    const { at, event } = entry
    const error =
      event.type === "runFailed"
        ? { code: event.code, message: mask(explainFailure(event)).slice(0, maxError) }
        : null
    return { at, cost: event.cost, error }
  }

  return {
    titles: createTitles(createFirstMessageReader(log, mask)),
    costs: createCosts({ directory, readEnd }),
    /** Also masks the nonces by which waits are answered. */
    async readEvents(sessionId, afterSeq, limit = pageOfEvents.limit) {
      const entries = await log.read(sessionId, { ...pageOfEvents, limit, afterSeq })
      return entries
        .filter((entry) => entry.kind === "event")
        .map((entry) => ({ ...entry, event: mask(entry.event) }))
    },
  }
}
