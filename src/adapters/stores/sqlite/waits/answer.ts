import type { AnswerCommand, AnswerOutcome } from "../../../../core/ports/store/session-log.ts"
import { readInteger } from "../../rows/columns.ts"
import { createDueCommand } from "../../rows/command-rows.ts"
import { toWait } from "../../rows/wait-rows.ts"
import { isCancelled } from "../../rules/inbox-rules.ts"
import { judgeAnswer } from "../../rules/wait-answers.ts"
import { findNewestWait, insertAudit, insertGrant } from "../../sql/approvals.ts"
import type { Database } from "../database/database.ts"
import { runSteps } from "../database/sql-database.ts"
import { changeSession, findReceiver, insertCommand, type PutOptions } from "../inbox.ts"

/** Stores an answer. Must be called inside a transaction. */
export function putAnswer(
  database: Database,
  command: AnswerCommand,
  { versions, now }: Omit<PutOptions, "limits">,
): AnswerOutcome {
  const receiver = findReceiver(database, command.sessionId, { versions, now })
  if (receiver === null) return { status: "unknown" }
  const row = runSteps(database, now, findNewestWait(command.sessionId, command))
  const wait = row === undefined ? null : toWait(row)
  const cancelled = wait !== null && isCancelled(receiver.rows, wait.runId)
  const { accepted, outcome } = judgeAnswer(wait, command, { cancelled })
  if (row === undefined || accepted === null) return outcome
  database.run("UPDATE wait SET state = 'answered' WHERE id = ?", readInteger(row, "id"))
  changeSession(database, command.sessionId, insertCommand(database, createDueCommand(accepted.command)))
  runSteps(database, now, insertAudit(accepted.records))
  if (accepted.grant !== null) runSteps(database, now, insertGrant(accepted.grant))
  return outcome
}
