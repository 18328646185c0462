import type { SnapshotMessage } from "../snapshot-messages.ts"
import { formatFrame } from "./fold-entry.ts"
import { createOpening, type StreamViewer } from "./opening.ts"

/** Returns a whole stream that shows a conversation in which no run is open. */
export function describeIdle(viewer: StreamViewer, snapshot: readonly SnapshotMessage[]): string {
  const { threadId, runId } = viewer
  const [, opening] = createOpening({ viewer, received: null, snapshot })
  const finished = { type: "RUN_FINISHED", threadId, runId, outcome: { type: "success" } }
  return [...opening, formatFrame(null, JSON.stringify(finished))].join("")
}
