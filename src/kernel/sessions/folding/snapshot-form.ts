import { createHash } from "node:crypto"
import type { Message } from "../../../core/history/messages.ts"
import { isLongerAsJson } from "../../../core/json/json.ts"
import { toJsonPieces } from "../../../core/json/json-pieces.ts"
import { estimateJsonSize } from "../../../core/json/json-size.ts"
import { parseInSlices } from "../../../core/json/parse-in-slices.ts"
import { snapshotRowBytes } from "../../../core/ports/store/snapshots.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import type { ConversationState } from "../../agent/conversation.ts"
import type { EventMark } from "../../agent/fold-progress.ts"
import type { HistoryState, MessageOrigin } from "../../agent/message-history.ts"

/**
 * Version of the fold. It must change whenever the same events lead to another conversation, or a snapshot has
 * another form.
 */
export const foldVersion = 4

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
export function* splitIntoSegments({ messages, origins }: SegmentMessages): Generator<SegmentMessages> {
  let start = 0
  let characters = 0
  for (const [index, message] of messages.entries()) {
    characters += estimateJsonSize(message)
    if (characters < segmentCharacters) continue
    yield { messages: messages.slice(start, index + 1), origins: origins.slice(start, index + 1) }
    start = index + 1
    characters = 0
  }
}

export async function encodeSegment(
  segment: SegmentMessages,
): Promise<{ readonly segment: Segment; readonly rows: readonly Uint8Array[] }> {
  const { parts, digest } = await encodeInSlices(segment)
  const rows = parts.flatMap((part) => [...divide(part)])
  return {
    segment: { rows: rows.length, messages: segment.messages.length, digest: digest.toString("base64") },
    rows,
  }
}

/** Resolves to null if the rows do not match the segment's digest. */
export async function decodeSegment(
  { messages, digest }: Segment,
  rows: readonly Uint8Array[],
): Promise<SegmentMessages | null> {
  const { text, digest: found } = await decodeInSlices(rows)
  if (found.toString("base64") !== digest) return null
  const decoded = (await parseInSlices(text)) as SegmentMessages
  return decoded.messages.length === messages && decoded.origins.length === messages ? decoded : null
}

const digestBytes = 32
/**
 * Maximum bytes of a snapshot's body. A larger one, such as that of a run that starts with images, is not written.
 */
const maxBodyBytes = 2_000_000

/** Returns true if a body with this state certainly has too many bytes. */
export function isTooLarge(state: ConversationState): boolean {
  return isLongerAsJson(state, maxBodyBytes)
}

/** Encodes the body as JSON after its digest. Resolves to null if the body has too many bytes. */
export async function encodeBody(body: SnapshotBody): Promise<Uint8Array | null> {
  const { parts, digest } = await encodeInSlices(body)
  const encoded = Buffer.concat([digest, ...parts])
  return encoded.byteLength > maxBodyBytes ? null : encoded
}

/** Resolves to null if the bytes are damaged. */
export async function decodeBody(encoded: Uint8Array): Promise<SnapshotBody | null> {
  const { text, digest } = await decodeInSlices([...divide(encoded.subarray(digestBytes))])
  if (!digest.equals(encoded.subarray(0, digestBytes))) return null
  return (await parseInSlices(text)) as SnapshotBody
}

/** Returns the history without its first messages. */
export function dropFirst(history: HistoryState, count: number): HistoryState {
  return { ...history, messages: history.messages.slice(count), origins: history.origins.slice(count) }
}

/** Returns all messages but the last one, which a later event may change. */
export function dropLast({ messages, origins }: SegmentMessages): SegmentMessages {
  return { messages: messages.slice(0, -1), origins: origins.slice(0, -1) }
}

/** Creates the JSON of a value, and its SHA-256 digest, in slices (rule 15). */
async function encodeInSlices(
  value: unknown,
): Promise<{ readonly parts: readonly Buffer[]; readonly digest: Buffer }> {
  const hash = createHash("sha256")
  const parts: Buffer[] = []
  for (const piece of toJsonPieces(value)) {
    if (parts.length > 0) await waitForNextSlice()
    const part = Buffer.from(piece)
    hash.update(part)
    parts.push(part)
  }
  return { parts, digest: hash.digest() }
}

/** Creates the text of its UTF-8 bytes, and their SHA-256 digest, in slices (rule 15). */
async function decodeInSlices(
  parts: readonly Uint8Array[],
): Promise<{ readonly text: string; readonly digest: Buffer }> {
  const hash = createHash("sha256")
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  const texts: string[] = []
  for (const part of parts) {
    if (texts.length > 0) await waitForNextSlice()
    hash.update(part)
    texts.push(decoder.decode(part, { stream: true }))
  }
  return { text: texts.join("") + decoder.decode(), digest: hash.digest() }
}

function* divide(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let start = 0; start < bytes.byteLength; start += snapshotRowBytes) {
    yield bytes.subarray(start, start + snapshotRowBytes)
  }
}
