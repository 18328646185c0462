import type {
  DirectoryCursor,
  DirectoryQuery,
  RunQuery,
  SessionQuery,
} from "../../../core/ports/store/directory.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import { escapeText } from "../rows/columns.ts"
import { joinConditions, type Sql, schema, sql } from "../sql/statement.ts"

/** The part of a list that one statement reads. */
export interface Slice {
  readonly after: DirectoryCursor | undefined
  readonly count: number
}

const ofSession = sql`session.tenant, session.user_id, session.agent, session.parent_session_id,
  session.parent_run_id, session.parent_tool_call_id, session.root_id`

const sessionColumns = sql`session.id AS session_id, ${ofSession}, session.external_id, session.active_run,
  session.created_at, session.last_used_at, session.revoked_at, session.stored_bytes,
  CASE
    WHEN session.active_run IS NULL THEN
      CASE WHEN EXISTS (SELECT 1 FROM ${schema}command
          WHERE command.session_id = session.id AND command.type = 'message')
        THEN 'queued' ELSE 'idle' END
    WHEN EXISTS (SELECT 1 FROM ${schema}wait WHERE wait.session_id = session.id AND wait.state = 'open') THEN 'waiting'
    ELSE 'running'
  END AS state`

const runColumns = sql`run.id AS run_id, run.session_id, ${ofSession}, run.created_at,
  CASE
    WHEN run.state <> 'open' THEN run.state
    WHEN EXISTS (SELECT 1 FROM ${schema}wait
      WHERE wait.session_id = run.session_id AND wait.run_id = run.id AND wait.state = 'open') THEN 'waiting'
    ELSE 'running'
  END AS state`

/**
 * Selects one index range, newest first. The most selective filter with an index selects the range, and
 * `matchesSession` and `matchesRun` apply the other filters.
 */
export function selectSessions(query: SessionQuery, slice: Slice): Sql {
  return sql`SELECT ${sessionColumns} FROM ${schema}session
    WHERE ${createSessionScope(query)} AND ${createRange(query, slice)}
    ORDER BY created_at DESC, id DESC LIMIT ${slice.count}`
}

export function selectSession(sessionId: string): Sql {
  return sql`SELECT ${sessionColumns} FROM ${schema}session WHERE id = ${escapeText(sessionId)}`
}

/** Selects one index range, as `selectSessions` does. */
export function selectRuns(query: RunQuery, slice: Slice): Sql {
  return sql`SELECT ${runColumns} FROM (
      SELECT id, session_id, state, created_at FROM ${schema}run
      WHERE ${createRunScope(query)} AND ${createRange(query, slice)}
      ORDER BY created_at DESC, id DESC LIMIT ${slice.count}
    ) AS run JOIN ${schema}session ON session.id = run.session_id
    ORDER BY run.created_at DESC, run.id DESC`
}

export function selectRun(runId: string): Sql {
  return sql`SELECT ${runColumns} FROM ${schema}run
    JOIN ${schema}session ON session.id = run.session_id WHERE run.id = ${escapeText(runId)}`
}

function createSessionScope(query: SessionQuery): Sql {
  return createTreeScope(query) ?? createOwnerScope(query.principal, query.tenant)
}

function createRunScope(query: RunQuery): Sql {
  if (query.sessionId !== undefined) return sql`session_id = ${escapeText(query.sessionId)}`
  const sessions = createTreeScope(query)
  if (sessions === null) return createOwnerScope(query.principal, query.tenant)
  return sql`session_id IN (SELECT id FROM ${schema}session WHERE ${sessions})`
}

function createTreeScope({
  parentSessionId,
  rootId,
}: Pick<SessionQuery, "parentSessionId" | "rootId">): Sql | null {
  if (parentSessionId !== undefined) return sql`parent_session_id = ${escapeText(parentSessionId)}`
  return rootId === undefined ? null : sql`coalesce(root_id, id) = ${escapeText(rootId)}`
}

function createOwnerScope(principal: Principal | undefined, tenant: string | undefined): Sql {
  const owner = principal?.tenant ?? tenant
  return joinConditions([
    owner === undefined ? null : sql`tenant = ${escapeText(owner)}`,
    principal === undefined ? null : sql`user_id = ${escapeText(principal.userId)}`,
  ])
}

function createRange({ createdFrom, createdBefore }: DirectoryQuery, { after }: Slice): Sql {
  return joinConditions([
    createdFrom === undefined ? null : sql`created_at >= ${createdFrom}`,
    createdBefore === undefined ? null : sql`created_at < ${createdBefore}`,
    after === undefined ? null : sql`(created_at, id) < (${after.createdAt}, ${escapeText(after.id)})`,
  ])
}
