import type { AnswerCommand, AnswerOutcome } from "../../core/ports/session-log.ts"
import { escapeText, integer } from "../columns.ts"
import { answerRecords, grantOf } from "../decision-records.ts"
import { kindAnswered, refusal, toWait } from "../wait-rows.ts"
import { insertAudit, insertGrant, waitsOfSessions } from "./approvals.ts"
import type { Database, Query } from "./database.ts"
import { insertCommand, isCancelled, lockSession } from "./inbox.ts"

export async function answer(database: Database, command: AnswerCommand): Promise<AnswerOutcome> {
  return database.transaction((query) => answerWithin(query, command))
}

/** Inside a transaction. */
export async function answerWithin(query: Query, command: AnswerCommand): Promise<AnswerOutcome> {
  if ((await lockSession(query, command.sessionId)) === undefined) return { status: "unknown" }
  const [row] = await query(
    `${waitsOfSessions} WHERE wait.session_id = $1 AND wait.tool_call_id = $2 AND wait.kind = $3
     ORDER BY wait.id DESC LIMIT 1`,
    [command.sessionId, escapeText(command.toolCallId), kindAnswered(command)],
  )
  if (row === undefined) return { status: "unknown" }
  const wait = toWait(row)
  const { sessionId, runId } = wait
  const refused = refusal(wait, command, { cancelled: await isCancelled(query, sessionId, runId) })
  if (refused !== null) return refused
  await query("UPDATE agent_gateway.wait SET state = 'answered' WHERE id = $1", [integer(row, "id")])
  await insertAudit(query, answerRecords(wait, command))
  const grant = grantOf(wait, command)
  if (grant !== null) await insertGrant(query, grant)
  await insertCommand(query, { ...command, runId })
  return { status: "accepted", runId }
}
