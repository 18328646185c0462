import type { AnswerCommand, AnswerOutcome } from "../../core/ports/session-log.ts"
import { integer } from "../columns.ts"
import type { Versions } from "../versions.ts"
import { judgeAnswer } from "../wait-answers.ts"
import { toWait } from "../wait-rows.ts"
import { insertAudit, insertGrant, newestWait } from "./approvals.ts"
import type { Database } from "./database.ts"
import { findForInbox, insertCommand, isCancelled } from "./inbox.ts"

/** Inside a transaction. */
export function answer(database: Database, command: AnswerCommand, versions: Versions): AnswerOutcome {
  if (findForInbox(database, command.sessionId, versions) === undefined) return { status: "unknown" }
  const row = newestWait(database, command.sessionId, command)
  const wait = row === undefined ? null : toWait(row)
  const cancelled = wait !== null && isCancelled(database, wait.sessionId, wait.runId)
  const { accepted, outcome } = judgeAnswer(wait, command, { cancelled })
  if (row === undefined || accepted === null) return outcome
  database.run("UPDATE wait SET state = 'answered' WHERE id = ?", integer(row, "id"))
  insertCommand(database, accepted.command, versions)
  insertAudit(database, accepted.records)
  if (accepted.grant !== null) insertGrant(database, accepted.grant)
  return outcome
}
