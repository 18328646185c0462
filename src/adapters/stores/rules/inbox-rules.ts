import type { SessionBatch } from "../../../core/ports/store/session-log.ts"
import type { CommandRow } from "../rows/command-rows.ts"

/** Returns true if a cancel of the run is in the inbox (rule 12). */
export function isCancelled(
  rows: readonly CommandRow[],
  runId: string,
  consumed: readonly number[] = [],
): boolean {
  return rows.some((row) => row.type === "cancel" && row.runId === runId && !consumed.includes(row.id))
}

/** Returns true if a message waits to join the run. */
function isSteered(rows: readonly CommandRow[], runId: string, consumed: readonly number[] = []): boolean {
  return rows.some((row) => row.type === "steer" && row.runId === runId && !consumed.includes(row.id))
}

/** Returns the reason in the inbox why the batch is refused. Null if it is not refused. */
export function findRefusal(
  { runEnded, runOpened, commandsConsumed = [], messagesJoined = [] }: SessionBatch,
  rows: readonly CommandRow[],
): "cancelled" | "steered" | "withdrawn" | null {
  if (runEnded !== undefined) {
    if (isCancelled(rows, runEnded.runId, commandsConsumed)) return "cancelled"
    if (isSteered(rows, runEnded.runId, commandsConsumed)) return "steered"
  }
  const waiting = new Set(rows.map(({ id }) => id))
  if (messagesJoined.some((id) => !waiting.has(id))) return "steered"
  const isTaken = ({ type, runId }: CommandRow) => type === "message" && runId === runOpened?.runId
  return runOpened === undefined || rows.some(isTaken) ? null : "withdrawn"
}

/** Returns true if the outcome of the batch, or its effect on the queue, depends on the inbox. */
export function concernsInbox({
  runEnded,
  runOpened,
  runsWithdrawn = [],
  messagesJoined = [],
}: SessionBatch): boolean {
  const changesRuns = runEnded !== undefined || runOpened !== undefined || runsWithdrawn.length > 0
  return changesRuns || messagesJoined.length > 0
}

/** Returns the commands that remain after the batch. */
export function applyBatch(
  rows: readonly CommandRow[],
  { runEnded, runsWithdrawn = [], commandsConsumed = [] }: SessionBatch,
): readonly CommandRow[] {
  return rows.filter(
    ({ id, runId }) =>
      !commandsConsumed.includes(id) && runId !== runEnded?.runId && !runsWithdrawn.includes(runId),
  )
}
