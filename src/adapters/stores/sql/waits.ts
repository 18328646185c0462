import { escapeText } from "../rows/columns.ts"
import { type CommittedWait, createClosingRecords } from "../rules/wait-changes.ts"
import { insertAudit } from "./approvals.ts"
import { isOneOfNumbers, records, type Steps, schema, sql } from "./statement.ts"

const columns = {
  session_id: "text",
  wait_id: "text",
  run_id: "text",
  tool_call_id: "text",
  kind: "text",
  state: "text",
  expires_at: "bigint",
  body: "text",
} as const

/** Stores the changed waits of a commit, and their records in the audit trail. */
export function* writeWaits(waits: readonly CommittedWait[]): Steps<void> {
  const opened = waits.filter(({ id }) => id === null)
  if (opened.length > 0) {
    yield sql`INSERT INTO ${schema}wait (session_id, wait_id, run_id, tool_call_id, kind, state, expires_at, body)
      SELECT session_id, wait_id, run_id, tool_call_id, kind, state, expires_at, body
      FROM ${records(columns, opened.map(toRecord))} AS opened`
  }
  for (const state of ["expired", "withdrawn"] as const) {
    const ids = waits.flatMap((each) => (each.id !== null && each.state === state ? [each.id] : []))
    if (ids.length === 0) continue
    yield sql`UPDATE ${schema}wait SET state = ${state} WHERE ${isOneOfNumbers("id", ids)}`
  }
  yield* insertAudit(createClosingRecords(waits))
}

function toRecord({ sessionId, state, wait }: CommittedWait) {
  return {
    session_id: sessionId,
    wait_id: escapeText(wait.waitId),
    run_id: wait.runId,
    tool_call_id: escapeText(wait.toolCallId),
    kind: wait.kind,
    state,
    expires_at: wait.expiresAt,
    body: JSON.stringify(wait),
  }
}
