import type { AnswerCommand, AnswerOutcome } from "../../core/ports/session-log.ts"
import { escapeText, integer } from "../columns.ts"
import { dueRow } from "../command-rows.ts"
import { answerRecords, grantOf } from "../decision-records.ts"
import { kindAnswered, refusal, toWait } from "../wait-rows.ts"
import { insertAudit, insertGrant, waitsOfSessions } from "./approvals.ts"
import type { Database } from "./database.ts"
import { hasCancel, insertCommand } from "./inbox.ts"

/** Inside a transaction. */
export function answer(database: Database, command: AnswerCommand): AnswerOutcome {
  const row = database.get(
    `${waitsOfSessions} WHERE wait.session_id = ? AND wait.tool_call_id = ? AND wait.kind = ?
     ORDER BY wait.id DESC LIMIT 1`,
    escapeText(command.sessionId),
    escapeText(command.toolCallId),
    kindAnswered(command),
  )
  if (row === undefined) return { status: "unknown" }
  const wait = toWait(row)
  const { sessionId, runId } = wait
  const refused = refusal(wait, command, { cancelled: hasCancel(database, sessionId, runId) })
  if (refused !== null) return refused
  database.run("UPDATE wait SET state = 'answered' WHERE id = ?", integer(row, "id"))
  insertCommand(database, dueRow({ ...command, runId }))
  insertAudit(database, answerRecords(wait, command))
  const grant = grantOf(wait, command)
  if (grant !== null) insertGrant(database, grant)
  return { status: "accepted", runId }
}
