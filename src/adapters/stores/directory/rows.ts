import type {
  DirectoryQuery,
  ListedRun,
  ListedSession,
  RunQuery,
  RunState,
  SessionQuery,
  SessionState,
} from "../../../core/ports/store/directory.ts"
import type { SessionParent } from "../../../core/ports/store/session-log.ts"
import { type Row, readInteger, readNullableText, readText, unescapeText } from "../rows/columns.ts"

/** Converts a row with the columns of `sessionColumns` into a listed session. `served` are agents as stored. */
export function toListedSession(row: Row, served: ReadonlySet<string>): ListedSession {
  return {
    id: readText(row, "session_id"),
    externalId: readExternalId(row),
    ...readOwner(row),
    agent: unescapeText(readText(row, "agent")),
    parent: readParent(row),
    rootId: readRootId(row),
    state: readState<SessionState>(row, served),
    activeRunId: readNullableText(row, "active_run"),
    createdAt: readInteger(row, "created_at"),
    lastUsedAt: readInteger(row, "last_used_at"),
    revokedAt: row.revoked_at === null ? null : readInteger(row, "revoked_at"),
    storedBytes: readInteger(row, "stored_bytes"),
  }
}

/** Converts a row with the columns of `runColumns` into a listed run. `served` are agents as stored. */
export function toListedRun(row: Row, served: ReadonlySet<string>): ListedRun {
  return {
    id: readText(row, "run_id"),
    sessionId: readText(row, "session_id"),
    ...readOwner(row),
    agent: unescapeText(readText(row, "agent")),
    parent: readParent(row),
    rootId: readRootId(row),
    state: readState<RunState>(row, served),
    createdAt: readInteger(row, "created_at"),
  }
}

export function readParent(row: Row): SessionParent | null {
  const sessionId = readNullableText(row, "parent_session_id")
  if (sessionId === null) return null
  return {
    sessionId,
    runId: readText(row, "parent_run_id"),
    toolCallId: readText(row, "parent_tool_call_id"),
  }
}

export function readExternalId(row: Row): string | null {
  const externalId = readNullableText(row, "external_id")
  return externalId === null ? null : unescapeText(externalId)
}

/** Returns the root of a session. A session that was stored without a root is its own root. */
export function readRootId(row: Row): string {
  return readNullableText(row, "root_id") ?? readText(row, "session_id")
}

export function matchesSession(session: ListedSession, query: SessionQuery): boolean {
  return matches(session, query) && (query.states?.includes(session.state) ?? true)
}

export function matchesRun(run: ListedRun, query: RunQuery): boolean {
  if (query.sessionId !== undefined && run.sessionId !== query.sessionId) return false
  return matches(run, query) && (query.states?.includes(run.state) ?? true)
}

function matches(listed: ListedSession | ListedRun, query: DirectoryQuery): boolean {
  const { principal, tenant, agents, parentSessionId, rootId } = query
  if (tenant !== undefined && listed.tenant !== tenant) return false
  if (principal !== undefined && principal.tenant !== listed.tenant) return false
  if (principal !== undefined && principal.userId !== listed.userId) return false
  if (agents !== undefined && !agents.includes(listed.agent)) return false
  if (parentSessionId !== undefined && parentSessionId !== listed.parent?.sessionId) return false
  return rootId === undefined || rootId === listed.rootId
}

function readOwner(row: Row) {
  return { tenant: unescapeText(readText(row, "tenant")), userId: unescapeText(readText(row, "user_id")) }
}

const unended = ["queued", "running", "waiting"]

/** Returns the state that the statement computed, unless the agent of an open run is not served. */
function readState<State extends SessionState | RunState>(
  row: Row,
  served: ReadonlySet<string>,
): State | "unserved" {
  const state = readText(row, "state")
  return unended.includes(state) && !served.has(readText(row, "agent")) ? "unserved" : (state as State)
}
