import type { AnswerCommand, AnswerOutcome } from "../../../../core/ports/store/session-log.ts"
import { escapeText, readInteger, readText } from "../../rows/columns.ts"
import { createDueCommand } from "../../rows/command-rows.ts"
import { toWait } from "../../rows/wait-rows.ts"
import { isCancelled } from "../../rules/inbox-rules.ts"
import type { Versions } from "../../rules/versions.ts"
import { judgeAnswer } from "../../rules/wait-answers.ts"
import { findNewestWait, insertAudit, insertGrant } from "../../sql/approvals.ts"
import type { Database, Query } from "../database/database.ts"
import { runSteps } from "../database/sql-database.ts"
import { insertCommand, lockReceiver } from "../inbox/inbox.ts"

/** Stores answers in one transaction. */
export function putAnswers(
  database: Database,
  commands: readonly AnswerCommand[],
  versions: Versions,
): Promise<readonly AnswerOutcome[]> {
  return database.transaction(async (query) => {
    const outcomes: AnswerOutcome[] = commands.map(() => ({ status: "unknown" }))
    for (const id of await orderSessions(query, new Set(commands.map(({ sessionId }) => sessionId)))) {
      for (const [index, command] of commands.entries()) {
        if (command.sessionId !== id) continue
        outcomes[index] = await putAnswerWithin(query, command, versions)
      }
    }
    return outcomes
  })
}

/**
 * Returns the sessions in the order in which a cancel locks them, which is that of their paths from the root of their
 * tree, so that an answer and a cancel never wait for each other.
 */
async function orderSessions(query: Query, ids: ReadonlySet<string>): Promise<readonly string[]> {
  if (ids.size < 2) return [...ids]
  const rows = await query(
    `WITH RECURSIVE up (id, parent_id, path) AS (
       SELECT id, parent_session_id, ARRAY[id] FROM agent_gateway.session WHERE id = ANY($1)
       UNION ALL
       SELECT up.id, session.parent_session_id, session.id || up.path
       FROM up JOIN agent_gateway.session ON session.id = up.parent_id
     )
     SELECT id FROM up WHERE NOT EXISTS (SELECT FROM agent_gateway.session WHERE session.id = up.parent_id)
     ORDER BY path`,
    [[...ids].map(escapeText)],
  )
  return rows.map((row) => readText(row, "id"))
}

/** Stores an answer. Must be called inside a transaction. */
export async function putAnswerWithin(
  query: Query,
  command: AnswerCommand,
  versions: Versions,
): Promise<AnswerOutcome> {
  const receiver = await lockReceiver(query, command.sessionId, versions)
  if (receiver === null) return { status: "unknown" }
  const row = await runSteps(query, findNewestWait(command.sessionId, command))
  const wait = row === undefined ? null : toWait(row)
  const cancelled = wait !== null && isCancelled(receiver.rows, wait.runId)
  const { accepted, outcome } = judgeAnswer(wait, command, { cancelled })
  if (row === undefined || accepted === null) return outcome
  await query("UPDATE agent_gateway.wait SET state = 'answered' WHERE id = $1", [readInteger(row, "id")])
  await runSteps(query, insertAudit(accepted.records))
  if (accepted.grant !== null) await runSteps(query, insertGrant(accepted.grant))
  await insertCommand(query, createDueCommand(accepted.command))
  return outcome
}
