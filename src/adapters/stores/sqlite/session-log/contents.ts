import type { Content, Contents } from "../../../../core/ports/store/contents.ts"
import { readInteger } from "../../rows/columns.ts"
import type { Database } from "../database/database.ts"

export function createContents(database: Database): Contents {
  return {
    async put(sessionId, content, { sessionBytes }) {
      const { id, bytes, chunks } = content
      // Both are read at once. Otherwise the same content could be stored in between, and count against itself.
      const { stored, used } = await database.read(() => ({
        stored: readSize(database, sessionId, id) !== null,
        used: readUsedBytes(database, sessionId),
      }))
      if (stored) return "stored"
      if (used === null) return "unknown"
      if (used + bytes > sessionBytes) return "full"
      // Each chunk has its own transaction, so that no turn of the event loop is long (rule 15).
      for (const [number, chunk] of chunks.entries()) {
        const written = await database.write(() => putChunk(database, sessionId, { id, number, chunk }))
        if (!written) return "unknown"
      }
      return database.write(() => complete(database, sessionId, content, sessionBytes))
    },
    size: (sessionId, id) => database.read(() => readSize(database, sessionId, id)),
    chunk: (sessionId, id, number) =>
      database.read(() => {
        const row = database.get(
          "SELECT body FROM content_chunk WHERE session_id = ? AND content_id = ? AND number = ?",
          sessionId,
          id,
          number,
        )
        return row?.body instanceof Uint8Array ? row.body : null
      }),
    hasAny: (sessionId) =>
      database.read(
        () => database.get("SELECT 1 FROM content WHERE session_id = ? LIMIT 1", sessionId) !== undefined,
      ),
  }
}

function readSize(database: Database, sessionId: string, id: string): number | null {
  const row = database.get("SELECT bytes FROM content WHERE session_id = ? AND id = ?", sessionId, id)
  return row === undefined ? null : readInteger(row, "bytes")
}

/** Returns the bytes of all contents of the session. Null if there is no such session. */
function readUsedBytes(database: Database, sessionId: string): number | null {
  const row = database.get("SELECT content_bytes FROM session WHERE id = ?", sessionId)
  return row === undefined ? null : readInteger(row, "content_bytes")
}

/** Stores a chunk. Returns false if the session is gone: its rows are being deleted, so no row may be added. */
function putChunk(
  database: Database,
  sessionId: string,
  { id, number, chunk }: { readonly id: string; readonly number: number; readonly chunk: Uint8Array },
): boolean {
  const changed = database.run(
    `INSERT OR REPLACE INTO content_chunk (session_id, content_id, number, body)
     SELECT id, ?, ?, ? FROM session WHERE id = ?`,
    id,
    number,
    chunk,
    sessionId,
  )
  return changed > 0
}

function complete(
  database: Database,
  sessionId: string,
  { id, bytes }: Content,
  sessionBytes: number,
): "stored" | "full" | "unknown" {
  if (database.get("SELECT 1 FROM content WHERE session_id = ? AND id = ?", sessionId, id)) return "stored"
  const used = readUsedBytes(database, sessionId)
  if (used === null) return "unknown"
  if (used + bytes > sessionBytes) {
    database.run("DELETE FROM content_chunk WHERE session_id = ? AND content_id = ?", sessionId, id)
    return "full"
  }
  database.run("INSERT INTO content (session_id, id, bytes) VALUES (?, ?, ?)", sessionId, id, bytes)
  database.run("UPDATE session SET content_bytes = content_bytes + ? WHERE id = ?", bytes, sessionId)
  return "stored"
}
