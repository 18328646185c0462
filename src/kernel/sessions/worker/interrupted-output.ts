import { OpenedParts } from "../../../core/log/deltas.ts"
import type { Entry } from "../../../core/log/entries.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import type { Conversation } from "../../agent/conversation.ts"
import type { InterruptedOutput } from "../../agent/model/interrupted-model-call.ts"
import { page } from "../reading/read-queue.ts"

/**
 * Resolves to the output that a response had streamed when its process died, if there was one. The last 50 ms of the
 * stream were never stored.
 */
export async function readInterruptedOutput(
  log: SessionLog,
  sessionId: string,
  { run }: Conversation,
): Promise<InterruptedOutput> {
  let outputBytes = 0
  let opened = new OpenedParts()
  if (run?.phase.type !== "calling") return { outputBytes, opened: [] }
  let afterSeq = await log.stepStart(sessionId, Number.MAX_SAFE_INTEGER)
  for (;;) {
    const entries = await log.read(sessionId, { ...page, afterSeq })
    for (const entry of entries) {
      if (isRetry(entry)) {
        outputBytes = 0
        opened = new OpenedParts()
      } else {
        outputBytes += countOutput(entry)
        if (entry.kind === "delta") opened.add(entry.delta)
      }
    }
    const last = entries.at(-1)
    if (last === undefined) return { outputBytes, opened: opened.list() }
    afterSeq = last.seq
  }
}

/** Returns true for an entry of a retry. The output before it was counted when the call failed. */
function isRetry(entry: Entry): boolean {
  return entry.kind === "event" && entry.event.type === "stepRetried"
}

function countOutput(entry: Entry): number {
  if (entry.kind === "event" || entry.delta.type === "toolOutput") return 0
  return Buffer.byteLength(entry.delta.text)
}
