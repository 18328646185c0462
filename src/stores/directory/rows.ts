import type {
  DirectoryQuery,
  ListedRun,
  ListedSession,
  RunQuery,
  RunState,
  SessionQuery,
  SessionState,
} from "../../core/ports/store/directory.ts"
import type { SessionParent } from "../../core/ports/store/session-log.ts"
import { integer, nullableText, type Row, text, unescapeText } from "../rows/columns.ts"

/** Converts a row with the columns of `sessionColumns` into a listed session. `served` are agents as stored. */
export function toListedSession(row: Row, served: ReadonlySet<string>): ListedSession {
  return {
    id: text(row, "session_id"),
    ...ownerOf(row),
    agent: unescapeText(text(row, "agent")),
    parent: parentOf(row),
    rootId: rootOf(row),
    state: stateOf<SessionState>(row, served),
    activeRunId: nullableText(row, "active_run"),
    createdAt: integer(row, "created_at"),
    lastUsedAt: integer(row, "last_used_at"),
    revokedAt: row.revoked_at === null ? null : integer(row, "revoked_at"),
    storedBytes: integer(row, "stored_bytes"),
  }
}

/** Converts a row with the columns of `runColumns` into a listed run. `served` are agents as stored. */
export function toListedRun(row: Row, served: ReadonlySet<string>): ListedRun {
  return {
    id: text(row, "run_id"),
    sessionId: text(row, "session_id"),
    ...ownerOf(row),
    agent: unescapeText(text(row, "agent")),
    parent: parentOf(row),
    rootId: rootOf(row),
    state: stateOf<RunState>(row, served),
    createdAt: integer(row, "created_at"),
  }
}

export function parentOf(row: Row): SessionParent | null {
  const sessionId = nullableText(row, "parent_session_id")
  if (sessionId === null) return null
  return { sessionId, runId: text(row, "parent_run_id"), toolCallId: text(row, "parent_tool_call_id") }
}

/** Returns the root of a session. A session that was stored without a root is its own root. */
export function rootOf(row: Row): string {
  return nullableText(row, "root_id") ?? text(row, "session_id")
}

export function matchesSession(session: ListedSession, query: SessionQuery): boolean {
  return matches(session, query) && (query.states?.includes(session.state) ?? true)
}

export function matchesRun(run: ListedRun, query: RunQuery): boolean {
  if (query.sessionId !== undefined && run.sessionId !== query.sessionId) return false
  return matches(run, query) && (query.states?.includes(run.state) ?? true)
}

function matches(listed: ListedSession | ListedRun, query: DirectoryQuery): boolean {
  const { principal, agents, parentSessionId, rootId } = query
  if (principal !== undefined && principal.tenant !== listed.tenant) return false
  if (principal !== undefined && principal.userId !== listed.userId) return false
  if (agents !== undefined && !agents.includes(listed.agent)) return false
  if (parentSessionId !== undefined && parentSessionId !== listed.parent?.sessionId) return false
  return rootId === undefined || rootId === listed.rootId
}

function ownerOf(row: Row) {
  return { tenant: unescapeText(text(row, "tenant")), userId: unescapeText(text(row, "user_id")) }
}

const unended = ["queued", "running", "waiting"]

/** Returns the state that the statement computed, unless the agent of an open run is not served. */
function stateOf<State extends SessionState | RunState>(
  row: Row,
  served: ReadonlySet<string>,
): State | "unserved" {
  const state = text(row, "state")
  return unended.includes(state) && !served.has(text(row, "agent")) ? "unserved" : (state as State)
}
