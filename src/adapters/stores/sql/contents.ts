import type { Content, Contents } from "../../../core/ports/store/contents.ts"
import { readInteger } from "../rows/columns.ts"
import { lockRows, type SqlDatabase, type Steps, schema, sql } from "./statement.ts"

export function createContents({ read, write, transaction }: SqlDatabase): Contents {
  return {
    async put(sessionId, content, { sessionBytes }) {
      const { id, bytes, chunks } = content
      // One statement, because the same content could be stored between two, and would count against itself.
      const [before] = await read(sql`SELECT content_bytes, EXISTS (
          SELECT 1 FROM ${schema}content WHERE content.session_id = session.id AND content.id = ${id}
        ) AS is_stored FROM ${schema}session WHERE session.id = ${sessionId}`)
      if (before === undefined) return "unknown"
      if (before.is_stored === true || before.is_stored === 1) return "stored"
      if (readInteger(before, "content_bytes") + bytes > sessionBytes) return "full"
      // Each chunk has its own transaction, so that no turn of the event loop is long (rule 15).
      for (const [number, chunk] of chunks.entries()) {
        // The lock prevents the removal of the session in between, which would not see this row.
        const written = await write(sql`
          WITH kept AS (SELECT id FROM ${schema}session WHERE id = ${sessionId} ${lockRows("FOR KEY SHARE")})
          INSERT INTO ${schema}content_chunk (session_id, content_id, number, body)
          SELECT id, ${id}, ${number}, ${chunk} FROM kept WHERE true
          ON CONFLICT (session_id, content_id, number) DO UPDATE SET body = excluded.body RETURNING number`)
        if (written.length === 0) return "unknown"
      }
      return transaction(() => complete(sessionId, content, sessionBytes))
    },
    async size(sessionId, id) {
      const [row] = await read(selectSize(sessionId, id))
      return row === undefined ? null : readInteger(row, "bytes")
    },
    async chunk(sessionId, id, number) {
      const [row] = await read(sql`SELECT body FROM ${schema}content_chunk
        WHERE session_id = ${sessionId} AND content_id = ${id} AND number = ${number}`)
      return row?.body instanceof Uint8Array ? row.body : null
    },
    async hasAny(sessionId) {
      const found = await read(sql`SELECT id FROM ${schema}content WHERE session_id = ${sessionId} LIMIT 1`)
      return found.length > 0
    },
  }
}

function selectSize(sessionId: string, id: string) {
  return sql`SELECT bytes FROM ${schema}content WHERE session_id = ${sessionId} AND id = ${id}`
}

function* complete(
  sessionId: string,
  { id, bytes }: Content,
  sessionBytes: number,
): Steps<"stored" | "full" | "unknown"> {
  const [session] = yield sql`SELECT content_bytes FROM ${schema}session
    WHERE id = ${sessionId} ${lockRows("FOR UPDATE")}`
  if (session === undefined) return "unknown"
  const [stored] = yield selectSize(sessionId, id)
  if (stored !== undefined) return "stored"
  if (readInteger(session, "content_bytes") + bytes > sessionBytes) {
    yield sql`DELETE FROM ${schema}content_chunk WHERE session_id = ${sessionId} AND content_id = ${id}`
    return "full"
  }
  yield sql`INSERT INTO ${schema}content (session_id, id, bytes) VALUES (${sessionId}, ${id}, ${bytes})`
  yield sql`UPDATE ${schema}session SET content_bytes = content_bytes + ${bytes} WHERE id = ${sessionId}`
  return "stored"
}
