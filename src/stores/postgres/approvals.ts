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
import type { Database, Query } from "./database.ts"
import { lockSession } from "./inbox.ts"
import { parseRows } from "./parse-rows.ts"

/** What `toWait` is given. */
export const waitsOfSessions = `
  SELECT wait.id, wait.session_id, session.tenant, session.user_id, wait.state, wait.body
  FROM agent_gateway.wait JOIN agent_gateway.session ON session.id = wait.session_id`

export function createApprovals(database: Database): Approvals {
  const { query } = database
  return {
    wait: (sessionId, toolCallId) => newestWait(query, sessionId, toolCallId),
    openWaits: (filter) => openWaits(query, filter),
    grants: (sessionId) => grants(query, sessionId),
    revokeGrant: (revocation) => revokeGrant(database, revocation),
    audit: (filter) => audit(query, filter),
  }
}

/** Changes nothing when the tool type is granted already. */
export async function insertGrant(query: Query, grant: Grant): Promise<void> {
  await query(
    `INSERT INTO agent_gateway.tool_grant (session_id, tool_type, body) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING`,
    [grant.sessionId, toolTypeKey(grant), JSON.stringify(grant)],
  )
}

export async function insertAudit(query: Query, records: readonly AuditRecord[]): Promise<void> {
  await query(
    `INSERT INTO agent_gateway.audit (session_id, body)
     SELECT session_id, body FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS each(session_id, body, place)
     ORDER BY place`,
    [records.map(({ sessionId }) => sessionId), records.map((record) => JSON.stringify(record))],
  )
}

async function newestWait(query: Query, sessionId: string, toolCallId: string): Promise<Wait | null> {
  const [row] = await query(
    `${waitsOfSessions} WHERE wait.session_id = $1 AND wait.tool_call_id = $2 ORDER BY wait.id DESC LIMIT 1`,
    [escapeText(sessionId), escapeText(toolCallId)],
  )
  return row === undefined ? null : toWait(row)
}

async function openWaits(query: Query, { sessionId, kind, now, limit }: WaitFilter): Promise<Wait[]> {
  const rows = await query(
    `${waitsOfSessions}
     WHERE wait.state = 'open' AND wait.expires_at > $1
       AND ($2::text IS NULL OR wait.session_id = $2) AND ($3::text IS NULL OR wait.kind = $3)
     ORDER BY wait.id LIMIT $4`,
    [now, sessionId === undefined ? null : escapeText(sessionId), kind ?? null, limit],
  )
  return parseRows(rows, toWait)
}

async function grants(query: Query, sessionId: string): Promise<readonly Grant[]> {
  return toGrants(await grantRows(query, sessionId))
}

async function grantRows(query: Query, sessionId: string): Promise<readonly Row[]> {
  return query("SELECT id, body FROM agent_gateway.tool_grant WHERE session_id = $1 ORDER BY id", [
    escapeText(sessionId),
  ])
}

async function revokeGrant(database: Database, revocation: GrantRevocation): Promise<boolean> {
  return database.transaction(async (query) => {
    if ((await lockSession(query, revocation.sessionId)) === undefined) return false
    const revoked = revokedGrants(await grantRows(query, revocation.sessionId), revocation)
    if (revoked.length === 0) return false
    await query("DELETE FROM agent_gateway.tool_grant WHERE id = ANY($1)", [revoked.map(({ id }) => id)])
    await insertAudit(
      query,
      revoked.map(({ grant }) => revocationRecord(grant, revocation)),
    )
    return true
  })
}

async function audit(query: Query, { sessionId, limit }: AuditFilter): Promise<AuditRecord[]> {
  const rows = await query(
    `SELECT body FROM agent_gateway.audit WHERE $1::text IS NULL OR session_id = $1 ORDER BY id DESC LIMIT $2`,
    [sessionId === undefined ? null : escapeText(sessionId), limit],
  )
  return parseRows(rows, toAuditRecord)
}
