import type { Command, Lease, Run, Session } from "../core/ports/session-log.ts"
import { integer, json, nullableText, type Row, text, unescapeText } from "./columns.ts"
import { parentOf, rootOf } from "./directory/rows.ts"

/** From a row with the run's columns as `run_id`, `session_id`, `cursor` and `state`. */
export function toRun(row: Row): Run {
  return {
    id: text(row, "run_id"),
    sessionId: text(row, "session_id"),
    cursor: integer(row, "cursor"),
    state: toRunState(text(row, "state")),
  }
}

/** From a session's row joined with that of its open run, whose columns are null when there is none. */
export function toSession(row: Row): Session {
  return {
    id: text(row, "session_id"),
    tenant: unescapeText(text(row, "tenant")),
    userId: unescapeText(text(row, "user_id")),
    agent: unescapeText(text(row, "agent")),
    parent: parentOf(row),
    rootId: rootOf(row),
    createdAt: integer(row, "created_at"),
    lastUsedAt: integer(row, "last_used_at"),
    revokedAt: row.revoked_at === null ? null : integer(row, "revoked_at"),
    lastSeq: integer(row, "last_seq"),
    storedBytes: integer(row, "stored_bytes"),
    activeRun: nullableText(row, "run_id") === null ? null : toRun(row),
  }
}

/** From a session's row as it is once it is claimed. */
export function toLease(row: Row): Lease {
  return {
    sessionId: text(row, "id"),
    epoch: integer(row, "epoch"),
    takeovers: integer(row, "takeovers"),
    principal: { tenant: unescapeText(text(row, "tenant")), userId: unescapeText(text(row, "user_id")) },
  }
}

/** From a command's `id` and its `body`, which is the command as it was accepted. */
export function toCommand(row: Row): Command {
  return { ...json<Command>(row, "body"), id: integer(row, "id") }
}

function toRunState(state: string): Run["state"] {
  switch (state) {
    case "open":
    case "completed":
    case "interrupted":
    case "failed":
      return state
    default:
      throw new TypeError(`A run cannot be ${state}.`)
  }
}
