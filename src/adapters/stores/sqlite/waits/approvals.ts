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
import { escapeText, type Row } from "../../rows/columns.ts"
import { createRevocationRecord, toAuditRecord } from "../../rows/decision-records.ts"
import { selectRevokedGrants, toGrants, toToolTypeKey } from "../../rows/grant-rows.ts"
import { toWait, toWaitColumns } from "../../rows/wait-rows.ts"
import { refuseNewer, type Versions } from "../../rules/versions.ts"
import type { Database } from "../database/database.ts"
import { readSlices } from "../database/slices.ts"

/** Selects rows for `toWait`, each with the version of its session. */
const waitsOfSessions = `
  SELECT wait.id, wait.session_id, session.tenant, session.user_id, session.log_version, wait.state, wait.body
  FROM wait JOIN session ON session.id = wait.session_id`

export function createApprovals(database: Database, versions: Versions): Approvals {
  return {
    wait: (sessionId, key) => database.read(() => findWait(database, versions, { sessionId, key })),
    openWaits: (filter) => openWaits(database, versions, filter),
    grants: (sessionId) => database.read(() => listGrants(database, sessionId)),
    revokeGrant: (revocation) => database.write(() => revokeGrant(database, revocation)),
    audit: (filter) => listAuditRecords(database, filter),
  }
}

/** Inserts a grant. Changes nothing if the tool type is granted already. Must be called inside a transaction. */
export function insertGrant(database: Database, grant: Grant): void {
  database.run(
    "INSERT INTO tool_grant (session_id, tool_type, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    grant.sessionId,
    toToolTypeKey(grant),
    JSON.stringify(grant),
  )
}

/** Inserts audit records. Must be called inside a transaction. */
export function insertAudit(database: Database, records: readonly AuditRecord[]): void {
  for (const record of records) {
    database.run(
      "INSERT INTO audit (session_id, body) VALUES (?, ?)",
      record.sessionId,
      JSON.stringify(record),
    )
  }
}

/**
 * SQL: the sessions whose waits may be answered from a session: the session itself, and the sessions of the tree
 * whose root it is.
 */
const inTree = "(SELECT id FROM session WHERE id = ? OR coalesce(root_id, id) = ?)"

/**
 * Returns the row of the newest wait with this key in the session, or in the tree whose root it is. Rows of an older
 * version are found by the call and the kind.
 */
export function findNewestWait(database: Database, sessionId: string, key: WaitKey): Row | undefined {
  const { waitId, toolCallId, kind } = toWaitColumns(key)
  return database.get(
    `${waitsOfSessions} WHERE wait.session_id IN ${inTree}
     AND (wait.wait_id = ? OR (wait.tool_call_id = ? AND wait.kind = ? AND (? IS NULL OR wait.wait_id IS NULL)))
     ORDER BY wait.id DESC LIMIT 1`,
    escapeText(sessionId),
    escapeText(sessionId),
    waitId,
    toolCallId,
    kind,
    waitId,
  )
}

function findWait(
  database: Database,
  versions: Versions,
  { sessionId, key }: { readonly sessionId: string; readonly key: WaitKey },
): Wait | null {
  const row = findNewestWait(database, sessionId, key)
  if (row === undefined) return null
  refuseNewer(row, versions)
  return toWait(row)
}

/** Returns open waits, without those of sessions that only newer processes read. */
function openWaits(
  database: Database,
  { reads }: Versions,
  { sessionId, kind, tenant, now, limit }: WaitFilter,
): Promise<Wait[]> {
  const conditions = [
    `wait.state = 'open' AND session.log_version <= ${reads} AND wait.expires_at > ?`,
    ...(sessionId === undefined ? [] : [`wait.session_id IN ${inTree}`]),
    ...(kind === undefined ? [] : ["wait.kind = ?"]),
    ...(tenant === undefined ? [] : ["session.tenant = ?"]),
  ]
  const session = sessionId === undefined ? undefined : escapeText(sessionId)
  const values = [now, session, session, kind, tenant === undefined ? undefined : escapeText(tenant)]
  return readSlices(database, {
    sql: `${waitsOfSessions} WHERE ${conditions.join(" AND ")} AND wait.id > ? ORDER BY wait.id LIMIT ?`,
    values: values.filter((value) => value !== undefined),
    after: 0,
    limit,
    parse: toWait,
  })
}

function listGrants(database: Database, sessionId: string): readonly Grant[] {
  return toGrants(readGrantRows(database, sessionId), sessionId)
}

/** Returns the grants of the session, and of the root of its tree. */
function readGrantRows(database: Database, sessionId: string): readonly Row[] {
  const id = escapeText(sessionId)
  return database.all(
    `SELECT id, body FROM tool_grant
     WHERE session_id IN (?, (SELECT root_id FROM session WHERE id = ?)) ORDER BY id`,
    id,
    id,
  )
}

/** Revokes grants. Must be called inside a transaction. */
function revokeGrant(database: Database, revocation: GrantRevocation): boolean {
  const revoked = selectRevokedGrants(readGrantRows(database, revocation.sessionId), revocation)
  for (const { id } of revoked) database.run("DELETE FROM tool_grant WHERE id = ?", id)
  insertAudit(
    database,
    revoked.map(({ grant }) => createRevocationRecord(grant, revocation)),
  )
  return revoked.length > 0
}

function listAuditRecords(
  database: Database,
  { sessionId, tenant, limit }: AuditFilter,
): Promise<AuditRecord[]> {
  const inTenant = "session_id IN (SELECT id FROM session WHERE tenant = ?)"
  const conditions = [
    ...(sessionId === undefined ? [] : ["session_id = ?"]),
    ...(tenant === undefined ? [] : [inTenant]),
    "id < ?",
  ]
  return readSlices(database, {
    sql: `SELECT id, body FROM audit WHERE ${conditions.join(" AND ")} ORDER BY id DESC LIMIT ?`,
    values: [sessionId, tenant].filter((value) => value !== undefined).map(escapeText),
    after: Number.MAX_SAFE_INTEGER,
    limit,
    parse: toAuditRecord,
  })
}
