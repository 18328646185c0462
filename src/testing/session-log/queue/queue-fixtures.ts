import assert from "node:assert/strict"
import type { WhenBusy } from "../../../core/ports/store/inbox.ts"
import type { Lease, MessageCommand, SessionLog } from "../../../core/ports/store/session-log.ts"
import { commitOk, createEvent, createMessage, requireAcceptedPut, runFailed, toSeq } from "../fixtures.ts"

/** Puts a message that must be accepted. Returns its run's id. */
export async function put(
  log: SessionLog,
  sessionId: string,
  whenBusy: WhenBusy,
  options: Partial<MessageCommand> = {},
): Promise<string> {
  return requireAcceptedPut(await log.put(createMessage(sessionId, { whenBusy, ...options }))).runId
}

/** Ends the open run with the lease's `n`th entry. */
export async function end(log: SessionLog, lease: Lease, runId: string, n: number): Promise<void> {
  const runEnded = { runId, state: "failed" as const }
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, n), runId, runFailed)], runEnded })
}

/** Returns the ids of the queued runs in their order, and checks that their positions match. */
export async function listOrder(log: SessionLog, sessionId: string): Promise<string[]> {
  const queued = await log.queuedRuns(sessionId)
  assert.deepEqual(
    queued.map(({ position }) => position),
    queued.map((_, index) => index + 1),
  )
  return queued.map(({ runId }) => runId)
}
