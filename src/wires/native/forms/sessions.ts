import type { ListedRun, ListedSession } from "../../../core/ports/store/directory.ts"
import type { SessionResponse, WireSession } from "../schemas/sessions.ts"
import { toUnixSeconds } from "./content.ts"

export function toWireSession(session: ListedSession): WireSession {
  const { parent } = session
  return {
    session_id: session.id,
    external_id: session.externalId,
    agent: session.agent,
    state: session.state,
    active_run_id: session.activeRunId,
    parent:
      parent === null
        ? null
        : { session_id: parent.sessionId, run_id: parent.runId, tool_call_id: parent.toolCallId },
    root_session_id: session.rootId,
    created_at: toUnixSeconds(session.createdAt),
    last_used_at: toUnixSeconds(session.lastUsedAt),
    stored_bytes: session.storedBytes,
  }
}

export function toWireSessionWithRuns(session: ListedSession, runs: readonly ListedRun[]): SessionResponse {
  return {
    ...toWireSession(session),
    runs: runs.map(({ id, state, createdAt }) => {
      return { run_id: id, state, created_at: toUnixSeconds(createdAt) }
    }),
  }
}
