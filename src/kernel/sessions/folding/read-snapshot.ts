import { isDeepStrictEqual } from "node:util"
import type { Message } from "../../../core/history/messages.ts"
import { findRange } from "../../../core/log/superseded.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Session } from "../../../core/ports/store/session-log.ts"
import type { Snapshots } from "../../../core/ports/store/snapshots.ts"
import { Conversation } from "../../agent/conversation.ts"
import type { MessageOrigin } from "../../agent/message-history.ts"
import type { FoldPlan } from "../reading/plan-fold.ts"
import type { Reader, ReadQueue } from "../reading/read-queue.ts"
import { decodeBody, decodeSegment, foldVersion, type Segment, type SnapshotBody } from "./snapshot-form.ts"

export interface SnapshotSource {
  readonly snapshots: Snapshots
  readonly reads: ReadQueue
  readonly logger: Logger
}

/** A conversation restored from a snapshot, with the stored parts of that snapshot. */
export interface RestoredFold {
  readonly conversation: Conversation
  readonly written: WrittenSnapshot
}

/** The stored segments of a snapshot. */
export interface WrittenSnapshot {
  readonly segments: readonly Segment[]
  /** The messages of the segments: the same objects as in the conversation. */
  readonly messages: readonly Message[]
}

export interface SnapshotQuery {
  readonly session: Session
  readonly reader: Reader
  /** The fold that the snapshot must fit. A snapshot that is older than its start is not used. */
  readonly plan: FoldPlan
}

/**
 * Restores the conversation of a session from its snapshot. Resolves to null if there is no usable snapshot. The log
 * then has to be read.
 */
export async function readSnapshot(
  source: SnapshotSource,
  { session, reader, plan }: SnapshotQuery,
): Promise<RestoredFold | null> {
  const found = await source.snapshots.find(session.id)
  if (found === null || found.version !== foldVersion || found.seq < plan.fromSeq) return null
  const body = await decodeBody(found.body)
  if (body === null || body.last.seq !== found.seq) return refuse(source, session, "it is damaged")
  if (found.seq > session.lastSeq) return refuse(source, session, "it is newer than the log")
  if (!isOfBranch(body, plan)) return null
  const messages = await readSegments(source, reader, { sessionId: session.id, body })
  if (reader.signal.aborted) return null
  return messages === null ? refuse(source, session, "it is damaged") : restore(body, messages)
}

/** Returns true if the snapshot was made outside the superseded runs, after all runs that were superseded before it. */
export function isOfBranch(
  { last: { seq }, state }: SnapshotBody,
  { superseded }: Pick<FoldPlan, "superseded">,
): boolean {
  if (findRange(superseded, seq) !== undefined) return false
  const before = superseded.filter(({ toSeq }) => toSeq < seq)
  return isDeepStrictEqual(before, state.superseded)
}

function restore({ last, segments, state }: SnapshotBody, { messages, origins }: AllMessages): RestoredFold {
  const history = {
    ...state.history,
    messages: [...messages, ...state.history.messages],
    origins: [...origins, ...state.history.origins],
  }
  const conversation = Conversation.restore({ ...state, history }, last)
  return { conversation, written: { segments, messages } }
}

interface AllMessages {
  readonly messages: readonly Message[]
  readonly origins: readonly MessageOrigin[]
}

/** Number of rows that one read returns. */
const rowsOfRead = 4

/** Resolves to null if rows are missing or damaged, or once the reader's signal aborts. */
async function readSegments(
  { snapshots, reads }: SnapshotSource,
  reader: Reader,
  { sessionId, body }: { readonly sessionId: string; readonly body: SnapshotBody },
): Promise<AllMessages | null> {
  const messages: Message[] = []
  const origins: MessageOrigin[] = []
  let from = 0
  let rows: Uint8Array[] = []
  for (const segment of body.segments) {
    while (rows.length < segment.rows) {
      const range = { from: from + rows.length, limit: rowsOfRead }
      const read = await reads.readBytes(reader, () => snapshots.rows(sessionId, range))
      if (read === null || read.length === 0) return null
      rows.push(...read)
    }
    const decoded = await decodeSegment(segment, rows.slice(0, segment.rows))
    if (decoded === null) return null
    messages.push(...decoded.messages)
    origins.push(...decoded.origins)
    rows = rows.slice(segment.rows)
    from += segment.rows
  }
  return { messages, origins }
}

/** Logs why a snapshot is not used, and returns null. */
export function refuse({ logger }: Pick<SnapshotSource, "logger">, { id }: Session, reason: string): null {
  logger.warn(
    { sessionId: id, reason },
    "The snapshot of a session is not used. The session is read from its log instead.",
  )
  return null
}
