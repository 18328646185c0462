import type { AnswerCommand, AnswerOutcome } from "../../../../core/ports/store/session-log.ts"
import { readInteger } from "../../rows/columns.ts"
import { createDueCommand } from "../../rows/command-rows.ts"
import { toWait } from "../../rows/wait-rows.ts"
import { isCancelled } from "../../rules/inbox-rules.ts"
import type { Versions } from "../../rules/versions.ts"
import { judgeAnswer } from "../../rules/wait-answers.ts"
import type { Database, Query } from "../database/database.ts"
import { insertCommand, lockReceiver } from "../inbox/inbox.ts"
import { findNewestWait, insertAudit, insertGrant } from "./approvals.ts"

export function putAnswer(
  database: Database,
  command: AnswerCommand,
  versions: Versions,
): Promise<AnswerOutcome> {
  return database.transaction((query) => putAnswerWithin(query, command, versions))
}

/** Stores an answer. Must be called inside a transaction. */
export async function putAnswerWithin(
  query: Query,
  command: AnswerCommand,
  versions: Versions,
): Promise<AnswerOutcome> {
  const receiver = await lockReceiver(query, command.sessionId, versions)
  if (receiver === null) return { status: "unknown" }
  const row = await findNewestWait(query, command.sessionId, command)
  const wait = row === undefined ? null : toWait(row)
  const cancelled = wait !== null && isCancelled(receiver.rows, wait.runId)
  const { accepted, outcome } = judgeAnswer(wait, command, { cancelled })
  if (row === undefined || accepted === null) return outcome
  await query("UPDATE agent_gateway.wait SET state = 'answered' WHERE id = $1", [readInteger(row, "id")])
  await insertAudit(query, accepted.records)
  if (accepted.grant !== null) await insertGrant(query, accepted.grant)
  await insertCommand(query, createDueCommand(accepted.command), versions)
  return outcome
}
