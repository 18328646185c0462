import type {
  Approvals,
  AuditFilter,
  AuditRecord,
  Grant,
  GrantRevocation,
  Wait,
  WaitFilter,
  WaitKey,
} from "../../../../core/ports/store/approvals.ts"
import { escapeText, type Row, readInteger } from "../../rows/columns.ts"
import { createRevocationRecord, toAuditRecord } from "../../rows/decision-records.ts"
import { selectRevokedGrants, toGrants, toToolTypeKey } from "../../rows/grant-rows.ts"
import { toWait, toWaitColumns } from "../../rows/wait-rows.ts"
import { refuseNewer, type Versions } from "../../rules/versions.ts"
import type { Database, Query } from "../database/database.ts"
import { parseRows } from "../database/parse-rows.ts"
import { lockReceiver } from "../inbox/inbox.ts"

/** Selects rows for `toWait`, each with the version of its session. */
const waitsOfSessions = `
  SELECT wait.id, wait.session_id, session.tenant, session.user_id, session.log_version, wait.state, wait.body
  FROM agent_gateway.wait JOIN agent_gateway.session ON session.id = wait.session_id`

export function createApprovals(database: Database, versions: Versions): Approvals {
  const { query } = database
  return {
    wait: (sessionId, key) => findWait(query, versions, { sessionId, key }),
    openWaits: (filter) => openWaits(query, versions, filter),
    grants: (sessionId) => listGrants(query, sessionId),
    revokeGrant: (revocation) => revokeGrant(database, revocation, versions),
    audit: (filter) => listAuditRecords(query, filter),
  }
}

/** Inserts a grant. Changes nothing if the tool type is granted already. */
export async function insertGrant(query: Query, grant: Grant): Promise<void> {
  await query(
    `INSERT INTO agent_gateway.tool_grant (session_id, tool_type, body) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING`,
    [grant.sessionId, toToolTypeKey(grant), JSON.stringify(grant)],
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

/**
 * SQL: the sessions whose waits may be answered from a session: the session itself, and the sessions of the tree
 * whose root it is.
 */
function selectTree(sessionId: string): string {
  return `(SELECT id FROM agent_gateway.session WHERE id = ${sessionId} OR coalesce(root_id, id) = ${sessionId})`
}

/**
 * Returns the row of the newest wait with this key in the session, or in the tree whose root it is. Rows of an older
 * version are found by the call and the kind.
 */
export async function findNewestWait(
  query: Query,
  sessionId: string,
  key: WaitKey,
): Promise<Row | undefined> {
  const { waitId, toolCallId, kind } = toWaitColumns(key)
  const [row] = await query(
    `${waitsOfSessions} WHERE wait.session_id IN ${selectTree("$1")} AND (wait.wait_id = $2
       OR (wait.tool_call_id = $3 AND wait.kind = $4 AND ($2::text IS NULL OR wait.wait_id IS NULL)))
     ORDER BY wait.id DESC LIMIT 1`,
    [escapeText(sessionId), waitId, toolCallId, kind],
  )
  return row
}

async function findWait(
  query: Query,
  versions: Versions,
  { sessionId, key }: { readonly sessionId: string; readonly key: WaitKey },
): Promise<Wait | null> {
  const row = await findNewestWait(query, sessionId, key)
  if (row === undefined) return null
  refuseNewer(row, versions)
  return toWait(row)
}

/** Returns open waits, without those of sessions that only newer processes read. */
async function openWaits(
  query: Query,
  { reads }: Versions,
  { sessionId, kind, tenant, now, limit }: WaitFilter,
): Promise<Wait[]> {
  const rows = await query(
    `${waitsOfSessions}
     WHERE wait.state = 'open' AND session.log_version <= ${reads} AND wait.expires_at > $1
       AND ($2::text IS NULL OR wait.session_id IN ${selectTree("$2")}) AND ($3::text IS NULL OR wait.kind = $3)
       AND ($5::text IS NULL OR session.tenant = $5)
     ORDER BY wait.id LIMIT $4`,
    [now, escapeIfGiven(sessionId), kind ?? null, limit, escapeIfGiven(tenant)],
  )
  return parseRows(rows, toWait)
}

async function listGrants(query: Query, sessionId: string): Promise<readonly Grant[]> {
  return toGrants(await readGrantRows(query, sessionId), sessionId)
}

/** Returns the grants of the session, and of the root of its tree. */
async function readGrantRows(query: Query, sessionId: string): Promise<readonly Row[]> {
  return query(
    `SELECT id, body FROM agent_gateway.tool_grant
     WHERE session_id IN ($1, (SELECT root_id FROM agent_gateway.session WHERE id = $1)) ORDER BY id`,
    [escapeText(sessionId)],
  )
}

async function revokeGrant(
  database: Database,
  revocation: GrantRevocation,
  versions: Versions,
): Promise<boolean> {
  return database.transaction(async (query) => {
    if ((await lockReceiver(query, revocation.sessionId, versions)) === null) return false
    const found = selectRevokedGrants(await readGrantRows(query, revocation.sessionId), revocation)
    // Another transaction may revoke a grant of the tree through another session at the same time.
    const deleted = await query("DELETE FROM agent_gateway.tool_grant WHERE id = ANY($1) RETURNING id", [
      found.map(({ id }) => id),
    ])
    const ids = new Set(deleted.map((row) => readInteger(row, "id")))
    const revoked = found.filter(({ id }) => ids.has(id))
    if (revoked.length === 0) return false
    await insertAudit(
      query,
      revoked.map(({ grant }) => createRevocationRecord(grant, revocation)),
    )
    return true
  })
}

async function listAuditRecords(
  query: Query,
  { sessionId, tenant, limit }: AuditFilter,
): Promise<AuditRecord[]> {
  const rows = await query(
    `SELECT body FROM agent_gateway.audit
     WHERE ($1::text IS NULL OR session_id = $1)
       AND ($3::text IS NULL OR session_id IN (SELECT id FROM agent_gateway.session WHERE tenant = $3))
     ORDER BY id DESC LIMIT $2`,
    [escapeIfGiven(sessionId), limit, escapeIfGiven(tenant)],
  )
  return parseRows(rows, toAuditRecord)
}

function escapeIfGiven(text: string | undefined): string | null {
  return text === undefined ? null : escapeText(text)
}
