import { createHash, randomUUID } from "node:crypto"
import { StoreUnavailableError } from "../../../../core/errors.ts"
import { toJsonPieces } from "../../../../core/json/json-pieces.ts"
import { waitForNextSlice } from "../../../../core/time/next-slice.ts"
import type { LargeText } from "../../rows/large/large-text.ts"
import type { Database } from "../database/database.ts"
import { type TextReference, writeReference } from "./text-reference.ts"

export interface NewText {
  readonly sessionId: string
  readonly value: object
  /** The time of the store's clock. */
  readonly now: number
}

/**
 * Stores the JSON of a large value in chunks, each in a transaction of its own, so that no turn of the event loop is
 * long (rule 15). Resolves to the reference for the row that will use the text. The text counts as unused until a
 * transaction calls `claimText`.
 */
export async function storeText(database: Database, { sessionId, value, now }: NewText): Promise<LargeText> {
  const id = randomUUID()
  await database.write(() =>
    database.run(
      "INSERT INTO unused_text (id, session_id, since) VALUES (?, ?, ?)",
      id,
      sessionId,
      Math.max(1, now),
    ),
  )
  const hash = createHash("sha256")
  let [chunks, bytes] = [0, 0]
  for (const piece of toJsonPieces(value)) {
    await waitForNextSlice()
    const chunk = Buffer.from(piece)
    hash.update(chunk)
    bytes += chunk.byteLength
    const number = chunks++
    await database.write(() => putChunk(database, { sessionId, id, number, chunk }))
  }
  return { text: writeReference({ id, chunks, bytes, digest: hash.digest("base64url") }), bytes }
}

interface Chunk {
  readonly sessionId: string
  readonly id: string
  readonly number: number
  readonly chunk: Uint8Array
}

/** Stores nothing if the session was removed, because its rows are being deleted. */
function putChunk(database: Database, { sessionId, id, number, chunk }: Chunk): void {
  database.run(
    `INSERT INTO content_chunk (session_id, content_id, number, body)
     SELECT session.id, ?, ?, ? FROM session WHERE session.id = ?`,
    id,
    number,
    chunk,
    sessionId,
  )
}

/**
 * Marks a text as used. Throws if the text was removed, because its transaction came too late. Must be called inside
 * the transaction that stores the reference.
 */
export function claimText(database: Database, { id }: TextReference): void {
  const changed = database.run("DELETE FROM unused_text WHERE id = ? AND since > 0", id)
  if (changed > 0) return
  throw new StoreUnavailableError({ detail: "A large text waited too long for its transaction." })
}

/** Marks a text as unused. Must be called inside the transaction that removes the reference. */
export function dropText(database: Database, sessionId: string, { id }: TextReference): void {
  database.run("INSERT INTO unused_text (id, session_id, since) VALUES (?, ?, 0)", id, sessionId)
}

/** Number of chunks that are decoded in one turn of the event loop, about 1 MB. */
const decodedAtOnce = 16

/**
 * Resolves to the text, which is read in slices (rule 15). Resolves to null if the text has been removed. The chunks
 * are decoded only after the last one was read. Otherwise their strings would live so long that V8 moves them to its
 * old generation, and each text would leave garbage of its own size there until the next full collection.
 */
export async function loadText(
  database: Database,
  sessionId: string,
  { id, chunks }: TextReference,
): Promise<string | null> {
  const bodies: Uint8Array[] = []
  for (let number = 0; number < chunks; number++) {
    const row = await database.read(() =>
      database.get(
        "SELECT body FROM content_chunk WHERE session_id = ? AND content_id = ? AND number = ?",
        sessionId,
        id,
        number,
      ),
    )
    if (!(row?.body instanceof Uint8Array)) return null
    bodies.push(row.body)
    await waitForNextSlice()
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  const pieces: string[] = []
  for (const body of bodies) {
    pieces.push(decoder.decode(body, { stream: true }))
    if (pieces.length % decodedAtOnce === 0) await waitForNextSlice()
  }
  return pieces.join("") + decoder.decode()
}

/** Marks those of the texts that nothing uses as unusable. Must be called inside the transaction that may use them. */
export function dropUnusedTexts(database: Database, ids: readonly string[]): void {
  database.run(
    "UPDATE unused_text SET since = 0 WHERE id IN (SELECT value FROM json_each(?))",
    JSON.stringify(ids),
  )
}
