import type {
  CancelCommand,
  Command,
  Lease,
  MessageCommand,
  NewCommand,
  PutOutcome,
} from "../../core/ports/session-log.ts"
import { escapeText, integer, nullableText, type Row, text } from "../columns.ts"
import { toCommand } from "../session-rows.ts"
import type { Database, Query } from "./database.ts"
import { arrivalsChannel } from "./membership.ts"
import { lastSeq } from "./schema.ts"

export async function put(database: Database, command: NewCommand): Promise<PutOutcome> {
  return database.transaction(async (query) => {
    // The session's row is what put, commit, claim and release exclude each other by.
    const [session] = await query("SELECT active_run FROM agent_gateway.session WHERE id = $1 FOR UPDATE", [
      escapeText(command.sessionId),
    ])
    if (session === undefined) return { status: "unknown" }
    return command.type === "message"
      ? putMessage(query, command, session)
      : putCancel(query, command, session)
  })
}

async function putMessage(query: Query, command: MessageCommand, session: Row): Promise<PutOutcome> {
  const { sessionId, runId, idempotency } = command
  const key = idempotency === null ? null : escapeText(idempotency.key)
  const hash = idempotency === null ? null : escapeText(idempotency.bodyHash)
  if (key !== null) {
    const [known] = await query(
      "SELECT id, cursor, body_hash FROM agent_gateway.run WHERE session_id = $1 AND idempotency_key = $2",
      [sessionId, key],
    )
    if (known !== undefined) {
      if (text(known, "body_hash") !== hash) return { status: "keyReused" }
      return { status: "duplicate", runId: text(known, "id"), cursor: integer(known, "cursor") }
    }
  }
  const active = nullableText(session, "active_run")
  if (active !== null) return { status: "busy", runId: active }
  const [started] = await query(
    `WITH changed AS (
       UPDATE agent_gateway.session SET active_run = $2, last_used_at = greatest(last_used_at, $3) WHERE id = $1
     )
     INSERT INTO agent_gateway.run (id, session_id, cursor, state, idempotency_key, body_hash)
     SELECT $2, id, ${lastSeq}, 'open', $4, $5 FROM agent_gateway.session WHERE id = $1
     RETURNING cursor`,
    [sessionId, runId, command.at, key, hash],
  )
  const cursor = integer(started ?? {}, "cursor")
  await insert(query, command, runId)
  return { status: "accepted", runId, cursor }
}

async function putCancel(query: Query, command: CancelCommand, session: Row): Promise<PutOutcome> {
  const active = nullableText(session, "active_run")
  if (active === null || (command.runId !== null && command.runId !== active)) return { status: "unknown" }
  const [run] = await query(
    `SELECT cursor, EXISTS (
       SELECT FROM agent_gateway.command WHERE session_id = $2 AND run_id = $1 AND type = 'cancel'
     ) AS waiting FROM agent_gateway.run WHERE id = $1`,
    [active, command.sessionId],
  )
  if (run?.waiting !== true) await insert(query, { ...command, runId: active }, active)
  return { status: "accepted", runId: active, cursor: integer(run ?? {}, "cursor") }
}

/** Announces it too. Only here: commits that notify wait for one another in the whole database. */
async function insert(query: Query, command: NewCommand, runId: string): Promise<void> {
  await query(
    `WITH put AS (
       INSERT INTO agent_gateway.command (session_id, run_id, type, body) VALUES ($1, $2, $3, $4)
     )
     SELECT pg_notify('${arrivalsChannel}', $1)`,
    [command.sessionId, runId, command.type, JSON.stringify(command)],
  )
}

export async function pending(query: Query, lease: Lease, owner: string): Promise<readonly Command[]> {
  const rows = await query(
    `SELECT command.id, command.body FROM agent_gateway.session
     JOIN agent_gateway.command ON command.session_id = session.id
     WHERE session.id = $1 AND epoch = $2 AND owner = $3 ORDER BY command.id`,
    [lease.sessionId, lease.epoch, owner],
  )
  return rows.map(toCommand)
}
