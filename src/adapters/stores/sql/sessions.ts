import { StoreUnavailableError } from "../../../core/errors.ts"
import type { Lease, NewSession, OpenedSession, Run, Session } from "../../../core/ports/store/session-log.ts"
import { escapeText, readInteger, readText } from "../rows/columns.ts"
import { toLease, toRun, toSession } from "../rows/session-rows.ts"
import { refuseNewer, type Versions } from "../rules/versions.ts"
import { createText, lastSeq, now, type SqlDatabase, type Steps, schema, sql } from "./statement.ts"
import { sessionColumns } from "./tables.ts"

/** Another attempt is only necessary if the session was created and removed in between. */
const maxOpenings = 5

/** Creates a session. Returns false if a session with this id, or with the external id, exists. */
export function* createSession(session: NewSession, externalId: string | null = null): Steps<boolean> {
  const { id, tenant, userId, agent, createdAt, parent, rootId, keepMs } = session
  const created =
    yield sql`INSERT INTO ${schema}session (id, tenant, user_id, agent, created_at, last_used_at,
      parent_session_id, parent_run_id, parent_tool_call_id, root_id, external_id, keep_ms)
    VALUES (${id}, ${escapeText(tenant)}, ${escapeText(userId)}, ${escapeText(agent)}, ${createdAt}, ${createdAt},
      ${parent?.sessionId ?? null}, ${parent?.runId ?? null}, ${parent?.toolCallId ?? null}, ${rootId ?? null},
      ${externalId === null ? null : escapeText(externalId)}, ${keepMs ?? null})
    ON CONFLICT DO NOTHING RETURNING id`
  return created.length > 0
}

/** Creates a session under an external id, or returns the one that has it. */
export function* openSession(session: NewSession, externalId: string): Steps<OpenedSession> {
  for (let attempt = 1; attempt <= maxOpenings; attempt++) {
    const known = yield* findExternalId(session, externalId)
    if (known !== null) return { sessionId: known, isNew: false }
    // If another process creates it at the same moment, this waits for its commit, and the next read finds it.
    if (yield* createSession(session, externalId)) return { sessionId: session.id, isNew: true }
  }
  throw new StoreUnavailableError({
    detail: "Sessions with one external id are created and removed all the time.",
  })
}

/** Returns the session that a principal has with an agent under an external id. Null if there is none. */
export function* findByExternalId(
  owner: Pick<NewSession, "tenant" | "userId" | "agent">,
  externalId: string,
  versions: Versions,
): Steps<Session | null> {
  const id = yield* findExternalId(owner, externalId)
  return id === null ? null : yield* findSession(id, versions)
}

/** Returns the id of the session with an external id. */
function* findExternalId(
  { tenant, userId, agent }: Pick<NewSession, "tenant" | "userId" | "agent">,
  externalId: string,
): Steps<string | null> {
  const [row] = yield sql`SELECT id FROM ${schema}session WHERE tenant = ${escapeText(tenant)}
    AND user_id = ${escapeText(userId)} AND agent = ${escapeText(agent)} AND external_id = ${escapeText(externalId)}`
  return row === undefined ? null : readText(row, "id")
}

/** Refuses the tokens of all descendants of a session. */
export function* revokeDescendants(sessionId: string, at: number): Steps<void> {
  yield sql`WITH RECURSIVE below (id) AS (
      SELECT id FROM ${schema}session WHERE parent_session_id = ${escapeText(sessionId)}
      UNION SELECT session.id FROM ${schema}session JOIN below ON session.parent_session_id = below.id
    )
    UPDATE ${schema}session SET revoked_at = ${at} WHERE id IN (SELECT id FROM below) AND revoked_at IS NULL`
}

/** Returns a session. Null if there is none. Throws if only newer processes can read it. */
export function* findSession(sessionId: string, versions: Versions): Steps<Session | null> {
  const [row] = yield sql`SELECT ${createText(sessionColumns)}, ${lastSeq} AS last_seq, session.log_version,
      run.id AS run_id, run.cursor, run.state, run.end_seq, EXISTS (
        SELECT 1 FROM ${schema}command
        WHERE command.session_id = session.id AND (command.type = 'withdraw'
          OR command.type = 'message' AND command.not_before <= ${now}
          AND command.run_id IS DISTINCT FROM session.active_run)) AS has_due_work
    FROM ${schema}session LEFT JOIN ${schema}run ON run.id = session.active_run
    WHERE session.id = ${escapeText(sessionId)}`
  if (row === undefined) return null
  refuseNewer(row, versions)
  return toSession(row)
}

export async function findRun({ read }: SqlDatabase, sessionId: string, runId: string): Promise<Run | null> {
  const [row] = await read(sql`SELECT id AS run_id, session_id, cursor, state, end_seq FROM ${schema}run
    WHERE id = ${escapeText(runId)} AND session_id = ${escapeText(sessionId)}`)
  return row === undefined ? null : toRun(row)
}

/** Resolves to the time of the store's clock in milliseconds since the Unix epoch. */
export async function readTime({ read }: SqlDatabase): Promise<number> {
  const [row = {}] = await read(sql`SELECT ${now} AS now`)
  return readInteger(row, "now")
}

/** Resolves to the leases that a process holds. */
export async function listHeldLeases({ read }: SqlDatabase, owner: string): Promise<readonly Lease[]> {
  const rows = await read(sql`SELECT id, epoch, takeovers, tenant, user_id FROM ${schema}session
    WHERE owner = ${owner}`)
  return rows.map(toLease)
}
