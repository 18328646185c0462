import type { Entry } from "../../../core/log/entries.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import type { Conversation } from "../../agent/conversation.ts"
import { page } from "../reading/read-queue.ts"

/**
 * Resolves to the bytes that a model call had streamed when its process died; 0 if there was none. The last 50 ms of
 * the stream were never stored.
 */
export async function measureInterruptedOutput(
  log: SessionLog,
  sessionId: string,
  { run }: Conversation,
): Promise<number> {
  if (run?.phase.type !== "calling") return 0
  let bytes = 0
  let afterSeq = await log.stepStart(sessionId, Number.MAX_SAFE_INTEGER)
  for (;;) {
    const entries = await log.read(sessionId, { ...page, afterSeq })
    for (const entry of entries) bytes = isRetry(entry) ? 0 : bytes + countOutput(entry)
    const last = entries.at(-1)
    if (last === undefined) return bytes
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
