import type { Run, Session } from "../../core/ports/store/session-log.ts"
import type { EventStreamRequest } from "../../http/streams/stream-response.ts"
import { type Cursor, findLastWhole } from "./cursor.ts"
import { agUiWire } from "./fold/ag-ui-wire.ts"
import { createOpening, type StreamViewer } from "./fold/opening.ts"
import type { SnapshotMessage } from "./snapshot-messages.ts"

/** A run of the gateway, and the part of it that a client sees. */
export interface ShownRun extends Pick<EventStreamRequest, "position" | "isNewRun"> {
  readonly run: Pick<Run, "id" | "cursor"> & Partial<Pick<Run, "endSeq">>
  readonly viewer: StreamViewer
  /** The place at which the client continues. Null for a stream from its start. */
  readonly received: Cursor | null
  /** Null if the client has all earlier messages. */
  readonly snapshot: readonly SnapshotMessage[] | null
}

/** Returns the request for a stream of a run. */
export function createRunStream(
  { id: sessionId, tenant, userId }: Session,
  { run, viewer, received, snapshot, position, isNewRun }: ShownRun,
): EventStreamRequest {
  const { id: runId, cursor, endSeq = null } = run
  const continued = received === null ? null : keepEnd(received, endSeq)
  const afterSeq = Math.max(cursor, continued === null ? viewer.from : findLastWhole(continued))
  return {
    ...{ wire: agUiWire, sessionId, principal: { tenant, userId }, runId, afterSeq, position },
    fromRunStart: afterSeq === cursor,
    ...(isNewRun !== undefined && { isNewRun }),
    opening: createOpening({ viewer, received: continued, snapshot }),
    headers: { "x-run-id": runId },
  }
}

/** Returns the place before the end of a run, because the last frames follow the end and have no entry of their own. */
function keepEnd(received: Cursor, endSeq: number | null): Cursor {
  if (endSeq === null || findLastWhole(received) < endSeq) return received
  return { ...received, seq: endSeq, frames: Number.MAX_SAFE_INTEGER }
}
