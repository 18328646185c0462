import type {
  Approvals,
  AuditFilter,
  AuditRecord,
  Grant,
  GrantRevocation,
  Wait,
  WaitFilter,
} from "../../core/ports/approvals.ts"
import { escapeText, type Row } from "../columns.ts"
import { revocationRecord, toAuditRecord } from "../decision-records.ts"
import { revokedGrants, toGrants, toolTypeKey } from "../grant-rows.ts"
import { toWait } from "../wait-rows.ts"
import type { Database } from "./database.ts"
import { readSlices } from "./slices.ts"

/** What `toWait` is given. */
export const waitsOfSessions = `
  SELECT wait.id, wait.session_id, session.tenant, session.user_id, wait.state, wait.body
  FROM wait JOIN session ON session.id = wait.session_id`

export function createApprovals(database: Database): Approvals {
  return {
    wait: (sessionId, toolCallId) => database.read(() => newestWait(database, sessionId, toolCallId)),
    openWaits: (filter) => openWaits(database, filter),
    grants: (sessionId) => database.read(() => grants(database, sessionId)),
    revokeGrant: (revocation) => database.write(() => revokeGrant(database, revocation)),
    audit: (filter) => audit(database, filter),
  }
}

/** Inside a transaction. Changes nothing when the tool type is granted already. */
export function insertGrant(database: Database, grant: Grant): void {
  database.run(
    "INSERT INTO tool_grant (session_id, tool_type, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    grant.sessionId,
    toolTypeKey(grant),
    JSON.stringify(grant),
  )
}

/** Inside a transaction. */
export function insertAudit(database: Database, records: readonly AuditRecord[]): void {
  for (const record of records) {
    database.run(
      "INSERT INTO audit (session_id, body) VALUES (?, ?)",
      record.sessionId,
      JSON.stringify(record),
    )
  }
}

function newestWait(database: Database, sessionId: string, toolCallId: string): Wait | null {
  const row = database.get(
    `${waitsOfSessions} WHERE wait.session_id = ? AND wait.tool_call_id = ? ORDER BY wait.id DESC LIMIT 1`,
    escapeText(sessionId),
    escapeText(toolCallId),
  )
  return row === undefined ? null : toWait(row)
}

function openWaits(database: Database, { sessionId, kind, now, limit }: WaitFilter): Promise<Wait[]> {
  const conditions = [
    "wait.state = 'open' AND wait.expires_at > ?",
    ...(sessionId === undefined ? [] : ["wait.session_id = ?"]),
    ...(kind === undefined ? [] : ["wait.kind = ?"]),
  ]
  const values = [now, sessionId === undefined ? undefined : escapeText(sessionId), kind]
  return readSlices(database, {
    sql: `${waitsOfSessions} WHERE ${conditions.join(" AND ")} AND wait.id > ? ORDER BY wait.id LIMIT ?`,
    values: values.filter((value) => value !== undefined),
    after: 0,
    limit,
    parse: toWait,
  })
}

function grants(database: Database, sessionId: string): readonly Grant[] {
  return toGrants(grantRows(database, sessionId))
}

function grantRows(database: Database, sessionId: string): readonly Row[] {
  return database.all(
    "SELECT id, body FROM tool_grant WHERE session_id = ? ORDER BY id",
    escapeText(sessionId),
  )
}

/** Inside a transaction. */
function revokeGrant(database: Database, revocation: GrantRevocation): boolean {
  const revoked = revokedGrants(grantRows(database, revocation.sessionId), revocation)
  for (const { id } of revoked) database.run("DELETE FROM tool_grant WHERE id = ?", id)
  insertAudit(
    database,
    revoked.map(({ grant }) => revocationRecord(grant, revocation)),
  )
  return revoked.length > 0
}

function audit(database: Database, { sessionId, limit }: AuditFilter): Promise<AuditRecord[]> {
  return readSlices(database, {
    sql: `SELECT id, body FROM audit
      WHERE ${sessionId === undefined ? "" : "session_id = ? AND "}id < ? ORDER BY id DESC LIMIT ?`,
    values: sessionId === undefined ? [] : [escapeText(sessionId)],
    after: Number.MAX_SAFE_INTEGER,
    limit,
    parse: toAuditRecord,
  })
}
