import { LogTooNewError } from "../core/errors.ts"
import { joinTexts } from "../core/history/messages.ts"
import type { Entry } from "../core/log/entries.ts"
import type { SessionLog } from "../core/ports/store/session-log.ts"
import type { ReadFirstMessage } from "./titles.ts"

/** One event at a time, because those after the first message may be large. */
const oneEvent = { limit: 1, deltas: false, replacedHistories: false }
/** Maximum events before the start of the first run. They are withdrawals of queued runs. */
const maxEventsBefore = 10
/** Maximum characters of a message that are masked, because masking takes time. */
const maxBeginning = 2_000

/** Creates a reader of first messages. `mask` hides secrets. */
export function createFirstMessageReader(
  log: Pick<SessionLog, "read">,
  mask: (text: string) => string,
): ReadFirstMessage {
  return async (sessionId) => {
    let afterSeq = 0
    for (let count = 0; count <= maxEventsBefore; count++) {
      const entry = await readEvent(log, sessionId, afterSeq)
      if (entry?.kind !== "event") return null
      const { seq, event } = entry
      if (event.type === "runStarted" && event.call !== undefined) return `Call of ${event.call.tool}`
      if (event.type === "runStarted") return mask(joinTexts(event.content).slice(0, maxBeginning))
      afterSeq = seq
    }
    return null
  }
}

/** Resolves to the next event. Null at the end of the log, and if this process cannot read it. */
async function readEvent(
  log: Pick<SessionLog, "read">,
  sessionId: string,
  afterSeq: number,
): Promise<Entry | null> {
  try {
    const [entry = null] = await log.read(sessionId, { ...oneEvent, afterSeq })
    return entry
  } catch (error) {
    // One such session must not make the whole list fail.
    if (error instanceof LogTooNewError) return null
    throw error
  }
}
