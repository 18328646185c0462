import { createHash } from "node:crypto"
import type { ConversationState } from "../../agent/conversation.ts"
import type { EventMark } from "../../agent/fold-progress.ts"
import type { HistoryState, MessageOrigin } from "../../agent/message-history.ts"
import type { Message } from "../../core/history/messages.ts"
import { stringifyInSlices } from "../../core/json/json-pieces.ts"
import { jsonSize } from "../../core/json/json-size.ts"
import { snapshotRowBytes } from "../../core/ports/store/snapshots.ts"

/**
 * Version of the fold. It must change whenever the same events lead to another conversation, or a snapshot has
 * another form.
 */
export const foldVersion = 1

/** Minimum characters of the messages in a segment. */
const segmentCharacters = 100_000

/** A conversation after the event `last`. */
export interface CapturedFold {
  readonly last: EventMark
  readonly state: ConversationState
}

/** The part of a snapshot that is written once: messages that no later event changes. */
export interface Segment {
  readonly rows: number
  readonly messages: number
  readonly digest: string
}

/** The body of a snapshot: everything but the messages of its segments. */
export interface SnapshotBody {
  readonly last: EventMark
  readonly segments: readonly Segment[]
  readonly state: ConversationState
}

export interface SegmentMessages {
  readonly messages: readonly Message[]
  readonly origins: readonly MessageOrigin[]
}

/**
 * Divides messages into segments. A message that is larger than a segment may be alone in one. The last messages are
 * left out if they do not fill a segment.
 */
export function* segmentsOf({ messages, origins }: SegmentMessages): Generator<SegmentMessages> {
  let start = 0
  let characters = 0
  for (const [index, message] of messages.entries()) {
    characters += jsonSize(message)
    if (characters < segmentCharacters) continue
    yield { messages: messages.slice(start, index + 1), origins: origins.slice(start, index + 1) }
    start = index + 1
    characters = 0
  }
}

export async function encodeSegment(
  segment: SegmentMessages,
): Promise<{ readonly segment: Segment; readonly rows: readonly Uint8Array[] }> {
  const bytes = Buffer.from(await stringifyInSlices(segment))
  const rows: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += snapshotRowBytes) {
    rows.push(bytes.subarray(start, start + snapshotRowBytes))
  }
  return { segment: { rows: rows.length, messages: segment.messages.length, digest: digestOf(rows) }, rows }
}

/** Returns null if the rows do not match the segment's digest. */
export function decodeSegment(
  { messages, digest }: Segment,
  rows: readonly Uint8Array[],
): SegmentMessages | null {
  if (digestOf(rows) !== digest) return null
  const decoded: SegmentMessages = JSON.parse(Buffer.concat(rows).toString())
  return decoded.messages.length === messages && decoded.origins.length === messages ? decoded : null
}

const digestBytes = 32

/** Encodes the body as JSON after its digest. */
export async function encodeBody(body: SnapshotBody): Promise<Uint8Array> {
  const bytes = Buffer.from(await stringifyInSlices(body))
  return Buffer.concat([sha256([bytes]), bytes])
}

/** Returns null if the bytes are damaged. */
export function decodeBody(encoded: Uint8Array): SnapshotBody | null {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  const json = bytes.subarray(digestBytes)
  if (!sha256([json]).equals(bytes.subarray(0, digestBytes))) return null
  return JSON.parse(json.toString())
}

/** Returns the history without its first messages. */
export function withoutFirst(history: HistoryState, count: number): HistoryState {
  return { ...history, messages: history.messages.slice(count), origins: history.origins.slice(count) }
}

/** Returns all messages but the last one, which a later event may change. */
export function withoutLast({ messages, origins }: SegmentMessages): SegmentMessages {
  return { messages: messages.slice(0, -1), origins: origins.slice(0, -1) }
}

function digestOf(rows: readonly Uint8Array[]): string {
  return sha256(rows).toString("base64")
}

function sha256(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}
