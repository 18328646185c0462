import type { Folded } from "../../../http/streams/wire.ts"
import { type Cursor, formatCursor, noMessage } from "../cursor.ts"
import type { SnapshotMessage } from "../snapshot-messages.ts"
import { formatFrame } from "./fold-entry.ts"
import { type AgUiState, type AgUiViewer, startState } from "./state.ts"

/** The version of AG-UI that the events have. */
const protocolVersion = "1.0"

/** The facts about a subscriber that its request has. */
export type StreamViewer = Omit<AgUiViewer, "isContinued" | "received" | "subAgentId">

/** The id of a frame before the first whole entry. */
const startId = formatCursor(0, 1, noMessage)

export interface OpeningOptions {
  readonly viewer: StreamViewer
  /** The place at which the client continues. Null for a stream from the start of its segment. */
  readonly received: Cursor | null
  /** The messages before the segment, for a client that may not have them. Null if the client has them. */
  readonly snapshot: readonly SnapshotMessage[] | null
}

/** Returns the state at the start of a stream, and its first frames, which are not in the log. */
export function createOpening({ viewer, received, snapshot }: OpeningOptions): Folded<AgUiState> {
  const state = startState({ ...viewer, isContinued: received !== null, received, subAgentId: null })
  if (received !== null) return [state, []]
  const { threadId, runId, from } = viewer
  const started = JSON.stringify({ type: "RUN_STARTED", threadId, runId, protocolVersion })
  const cursor = formatCursor(from, null, noMessage)
  if (snapshot === null) return [state, [formatFrame(cursor, started)]]
  // A client that has not received the snapshot continues at the start.
  return [state, [formatFrame(startId, started), formatFrame(cursor, describeSnapshot(snapshot))]]
}

function describeSnapshot(messages: readonly SnapshotMessage[]): string {
  return JSON.stringify({ type: "MESSAGES_SNAPSHOT", messages })
}
