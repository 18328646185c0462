import type {
  DirectoryCursor,
  DirectoryQuery,
  RunQuery,
  SessionQuery,
} from "../../../core/ports/store/directory.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import { escapeText } from "../rows/columns.ts"

/** A statement with `?` in place of its values. */
export interface DirectoryStatement {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

/** The part of a list that one statement reads. */
export interface Slice {
  readonly after: DirectoryCursor | undefined
  readonly count: number
}

/** Creates the statements. `schema` is the prefix of every table. */
export interface DirectorySql {
  sessions(query: SessionQuery, slice: Slice): DirectoryStatement
  session(sessionId: string): DirectoryStatement
  runs(query: RunQuery, slice: Slice): DirectoryStatement
  run(runId: string): DirectoryStatement
}

/**
 * Returns statements for both databases. Each reads the rows of one index range, newest first. The most selective
 * filter with an index selects the range, and `matchesSession` and `matchesRun` apply the other filters.
 */
export function createDirectorySql(schema: "" | "agent_gateway."): DirectorySql {
  const [session, run, wait, command] = ["session", "run", "wait", "command"].map((name) => schema + name)
  const ofSession = `session.tenant, session.user_id, session.agent, session.parent_session_id, session.parent_run_id,
    session.parent_tool_call_id, session.root_id`
  const sessionColumns = `session.id AS session_id, ${ofSession}, session.external_id, session.active_run,
    session.created_at, session.last_used_at, session.revoked_at, session.stored_bytes,
    CASE
      WHEN session.active_run IS NULL THEN
        CASE WHEN EXISTS (SELECT 1 FROM ${command} WHERE command.session_id = session.id AND command.type = 'message')
          THEN 'queued' ELSE 'idle' END
      WHEN EXISTS (SELECT 1 FROM ${wait} WHERE wait.session_id = session.id AND wait.state = 'open') THEN 'waiting'
      ELSE 'running'
    END AS state`
  const runColumns = `run.id AS run_id, run.session_id, ${ofSession}, run.created_at,
    CASE
      WHEN run.state <> 'open' THEN run.state
      WHEN EXISTS (SELECT 1 FROM ${wait}
        WHERE wait.session_id = run.session_id AND wait.run_id = run.id AND wait.state = 'open') THEN 'waiting'
      ELSE 'running'
    END AS state`
  const inTree = `session_id IN (SELECT id FROM ${session} WHERE coalesce(root_id, id) = ?)`
  const ofParent = `session_id IN (SELECT id FROM ${session} WHERE parent_session_id = ?)`

  return {
    sessions(query, slice) {
      const { conditions, values } = join([...createSessionScope(query), ...createRange(query, slice)])
      return {
        sql: `SELECT ${sessionColumns} FROM ${session} WHERE ${conditions}
          ORDER BY created_at DESC, id DESC LIMIT ?`,
        values: [...values, slice.count],
      }
    },
    session: (sessionId) => ({
      sql: `SELECT ${sessionColumns} FROM ${session} WHERE id = ?`,
      values: [escapeText(sessionId)],
    }),
    runs(query, slice) {
      const { conditions, values } = join([
        ...runScope(query, { inTree, ofParent }),
        ...createRange(query, slice),
      ])
      return {
        sql: `SELECT ${runColumns} FROM (
            SELECT id, session_id, state, created_at FROM ${run} WHERE ${conditions}
            ORDER BY created_at DESC, id DESC LIMIT ?
          ) AS run JOIN ${session} ON session.id = run.session_id
          ORDER BY run.created_at DESC, run.id DESC`,
        values: [...values, slice.count],
      }
    },
    run: (runId) => ({
      sql: `SELECT ${runColumns} FROM ${run} JOIN ${session} ON session.id = run.session_id WHERE run.id = ?`,
      values: [escapeText(runId)],
    }),
  }
}

interface Condition {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

function createSessionScope(query: SessionQuery): readonly Condition[] {
  const { principal, tenant, parentSessionId, rootId } = query
  if (parentSessionId !== undefined)
    return [{ sql: "parent_session_id = ?", values: [escapeText(parentSessionId)] }]
  if (rootId !== undefined) return [{ sql: "coalesce(root_id, id) = ?", values: [escapeText(rootId)] }]
  return createOwnerScope(principal, tenant)
}

function runScope(
  { sessionId, principal, tenant, parentSessionId, rootId }: RunQuery,
  { inTree, ofParent }: { readonly inTree: string; readonly ofParent: string },
): readonly Condition[] {
  if (sessionId !== undefined) return [{ sql: "session_id = ?", values: [escapeText(sessionId)] }]
  if (parentSessionId !== undefined) return [{ sql: ofParent, values: [escapeText(parentSessionId)] }]
  if (rootId !== undefined) return [{ sql: inTree, values: [escapeText(rootId)] }]
  return createOwnerScope(principal, tenant)
}

function createOwnerScope(
  principal: Principal | undefined,
  tenant: string | undefined,
): readonly Condition[] {
  if (principal !== undefined) {
    const values = [escapeText(principal.tenant), escapeText(principal.userId)]
    return [{ sql: "tenant = ? AND user_id = ?", values }]
  }
  return tenant === undefined ? [] : [{ sql: "tenant = ?", values: [escapeText(tenant)] }]
}

function createRange({ createdFrom, createdBefore }: DirectoryQuery, { after }: Slice): readonly Condition[] {
  return [
    ...(createdFrom === undefined ? [] : [{ sql: "created_at >= ?", values: [createdFrom] }]),
    ...(createdBefore === undefined ? [] : [{ sql: "created_at < ?", values: [createdBefore] }]),
    ...(after === undefined
      ? []
      : [{ sql: "(created_at, id) < (?, ?)", values: [after.createdAt, escapeText(after.id)] }]),
  ]
}

function join(conditions: readonly Condition[]) {
  return {
    conditions: ["1 = 1", ...conditions.map(({ sql }) => sql)].join(" AND "),
    values: conditions.flatMap(({ values }) => values),
  }
}
