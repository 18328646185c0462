import { createHash } from "node:crypto"
import { toCanonicalJson } from "../../../core/json/canonical-json.ts"
import type { Json } from "../../../core/json/json.ts"
import type {
  Approvals,
  AuditRecord,
  Grant,
  GrantRevocation,
  WaitKey,
} from "../../../core/ports/store/approvals.ts"
import { escapeText, type Row, readInteger, readJson } from "../rows/columns.ts"
import { createRevocationRecord, toAuditRecord } from "../rows/decision-records.ts"
import { toWait, toWaitColumns } from "../rows/wait-rows.ts"
import { refuseNewer, type Versions } from "../rules/versions.ts"
import {
  isOneOfNumbers,
  joinConditions,
  lockRows,
  records,
  type Sql,
  type SqlDatabase,
  type Steps,
  schema,
  sql,
} from "./statement.ts"
import { isOfTenant } from "./tenants.ts"

/** Selects rows for `toWait`, each with the version of its session. */
const waitsOfSessions = sql`
  SELECT wait.id, wait.session_id, session.tenant, session.user_id, session.log_version, wait.state, wait.body
  FROM ${schema}wait JOIN ${schema}session ON session.id = wait.session_id`

export function createApprovals(database: SqlDatabase, versions: Versions): Approvals {
  return {
    async wait(sessionId, key) {
      const [row] = await database.read(selectNewestWait(sessionId, key))
      if (row === undefined) return null
      refuseNewer(row, versions)
      return toWait(row)
    },
    openWaits: ({ sessionId, kind, tenant, now, limit }) =>
      database.readBodies({
        select(after, count) {
          // Waits of sessions that only newer processes can read are left out.
          const conditions = joinConditions([
            sql`wait.state = 'open' AND session.log_version <= ${versions.reads} AND wait.expires_at > ${now}`,
            sessionId === undefined ? null : sql`wait.session_id IN ${selectTree(sessionId)}`,
            kind === undefined ? null : sql`wait.kind = ${kind}`,
            tenant === undefined ? null : sql`session.tenant = ${escapeText(tenant)}`,
          ])
          return sql`${waitsOfSessions} WHERE ${conditions} AND wait.id > ${after} ORDER BY wait.id LIMIT ${count}`
        },
        after: 0,
        limit,
        parse: toWait,
      }),
    grants: (sessionId) => database.readSteps(() => findGrants(sessionId)),
    revokeGrant: (revocation) => database.transaction(() => revokeGrant(revocation, versions)),
    audit: ({ sessionId, tenant, limit }) =>
      database.readBodies({
        select(before, count) {
          const conditions = joinConditions([
            sessionId === undefined ? null : sql`session_id = ${escapeText(sessionId)}`,
            isOfTenant(tenant),
          ])
          return sql`SELECT id, body FROM ${schema}audit WHERE ${conditions} AND id < ${before}
            ORDER BY id DESC LIMIT ${count}`
        },
        after: Number.MAX_SAFE_INTEGER,
        limit,
        parse: toAuditRecord,
      }),
  }
}

/** Inserts a grant. Changes nothing if the tool type is granted already. */
export function* insertGrant(grant: Grant): Steps<void> {
  yield sql`INSERT INTO ${schema}tool_grant (session_id, tool_type, body)
    VALUES (${grant.sessionId}, ${toToolTypeKey(grant)}, ${JSON.stringify(grant)}) ON CONFLICT DO NOTHING`
}

export function* insertAudit(written: readonly AuditRecord[]): Steps<void> {
  if (written.length === 0) return
  const rows = written.map((record) => ({ session_id: record.sessionId, body: JSON.stringify(record) }))
  yield sql`INSERT INTO ${schema}audit (session_id, body)
    SELECT session_id, body FROM ${records({ session_id: "text", body: "text" }, rows)} AS written`
}

/** Returns the row of the newest wait with this key in the session, or in the tree whose root it is. */
export function* findNewestWait(sessionId: string, key: WaitKey): Steps<Row | undefined> {
  const [row] = yield selectNewestWait(sessionId, key)
  return row
}

function selectNewestWait(sessionId: string, key: WaitKey): Sql {
  const { waitId, toolCallId, kind } = toWaitColumns(key)
  return sql`${waitsOfSessions} WHERE wait.session_id IN ${selectTree(sessionId)}
    AND (wait.wait_id = ${waitId} OR (wait.tool_call_id = ${toolCallId} AND wait.kind = ${kind}))
    ORDER BY wait.id DESC LIMIT 1`
}

/** Selects the session, and the sessions of the tree whose root it is: their waits may be answered from it. */
function selectTree(sessionId: string): Sql {
  const id = escapeText(sessionId)
  return sql`(SELECT id FROM ${schema}session WHERE id = ${id} OR coalesce(root_id, id) = ${id})`
}

/** Selects the grants of the session, and of the root of its tree. */
function selectGrants(sessionId: string): Sql {
  const id = escapeText(sessionId)
  return sql`SELECT id, body FROM ${schema}tool_grant
    WHERE session_id IN (${id}, (SELECT root_id FROM ${schema}session WHERE id = ${id})) ORDER BY id`
}

function* findGrants(sessionId: string): Steps<readonly Grant[]> {
  return toGrants(yield selectGrants(sessionId), sessionId)
}

function* revokeGrant(revocation: GrantRevocation, versions: Versions): Steps<boolean> {
  const [session] = yield sql`SELECT log_version FROM ${schema}session
    WHERE id = ${escapeText(revocation.sessionId)} ${lockRows("FOR UPDATE")}`
  if (session === undefined) return false
  refuseNewer(session, versions)
  const found = selectRevokedGrants(yield selectGrants(revocation.sessionId), revocation)
  if (found.length === 0) return false
  // Another transaction may revoke a grant of the tree through another session at the same time.
  const ids = found.map(({ id }) => id)
  const deleted = yield sql`DELETE FROM ${schema}tool_grant WHERE ${isOneOfNumbers("id", ids)} RETURNING id`
  const deletedIds = new Set(deleted.map((row) => readInteger(row, "id")))
  const revoked = found.filter(({ id }) => deletedIds.has(id))
  yield* insertAudit(revoked.map(({ grant }) => createRevocationRecord(grant, revocation)))
  return revoked.length > 0
}

/**
 * Returns the tool type and the scope of a grant as a column that can be indexed. A qualifier may be too long for an
 * index of Postgres, and may have characters that a database refuses.
 */
function toToolTypeKey(grant: Grant): string {
  const { toolName, qualifier, origin } = grant
  const type: Json = [toolName, qualifier, origin && { ...origin }, ...(isOfTree(grant) ? ["tree"] : [])]
  return createHash("sha256").update(toCanonicalJson(type)).digest("hex")
}

/** Returns the grants that apply to the session, from rows that belong to it or to the root of its tree. */
function toGrants(rows: readonly Row[], sessionId: string): readonly Grant[] {
  return rows
    .map((row) => readJson<Grant>(row, "body"))
    .filter((grant) => grant.sessionId === sessionId || isOfTree(grant))
}

function isOfTree({ scope }: Pick<Grant, "scope">): boolean {
  return scope === "tree"
}

/** Returns the grants of the revocation, with the `id` of their rows. */
function selectRevokedGrants(
  rows: readonly Row[],
  { sessionId, toolName, qualifier }: GrantRevocation,
): readonly { readonly id: number; readonly grant: Grant }[] {
  return rows
    .flatMap((row) => toGrants([row], sessionId).map((grant) => ({ id: readInteger(row, "id"), grant })))
    .filter(({ grant }) => grant.toolName === toolName && grant.qualifier === qualifier)
}
