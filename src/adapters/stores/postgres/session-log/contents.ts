import type { Contents } from "../../../../core/ports/store/contents.ts"
import { readInteger } from "../../rows/columns.ts"
import type { Database, Query } from "../database/database.ts"

export function createContents(database: Database): Contents {
  const { query } = database
  return {
    async put(sessionId, { id, bytes, chunks }, { sessionBytes }) {
      const before = await readState(query, sessionId, id)
      if (before === null) return "unknown"
      if (before.stored) return "stored"
      if (before.usedBytes + bytes > sessionBytes) return "full"
      for (const [number, chunk] of chunks.entries()) {
        // The lock prevents the removal of the session in between, which would not see this row.
        const written = await query(
          `WITH kept AS (SELECT id FROM agent_gateway.session WHERE id = $1 FOR KEY SHARE)
           INSERT INTO agent_gateway.content_chunk (session_id, content_id, number, body)
           SELECT id, $2, $3, $4 FROM kept
           ON CONFLICT (session_id, content_id, number) DO UPDATE SET body = excluded.body RETURNING number`,
          [sessionId, id, number, chunk],
        )
        if (written.length === 0) return "unknown"
      }
      return database.transaction(async (inside) => {
        const [session] = await inside(
          "SELECT content_bytes FROM agent_gateway.session WHERE id = $1 FOR UPDATE",
          [sessionId],
        )
        if (session === undefined) return "unknown"
        if ((await readSize(inside, sessionId, id)) !== null) return "stored"
        if (readInteger(session, "content_bytes") + bytes > sessionBytes) {
          await inside("DELETE FROM agent_gateway.content_chunk WHERE session_id = $1 AND content_id = $2", [
            sessionId,
            id,
          ])
          return "full"
        }
        await inside("INSERT INTO agent_gateway.content (session_id, id, bytes) VALUES ($1, $2, $3)", [
          sessionId,
          id,
          bytes,
        ])
        await inside("UPDATE agent_gateway.session SET content_bytes = content_bytes + $2 WHERE id = $1", [
          sessionId,
          bytes,
        ])
        return "stored"
      })
    },
    size: (sessionId, id) => readSize(query, sessionId, id),
    async chunk(sessionId, id, number) {
      const [row] = await query(
        `SELECT body FROM agent_gateway.content_chunk
         WHERE session_id = $1 AND content_id = $2 AND number = $3`,
        [sessionId, id, number],
      )
      return row?.body instanceof Uint8Array ? row.body : null
    },
    async hasAny(sessionId) {
      const rows = await query("SELECT 1 FROM agent_gateway.content WHERE session_id = $1 LIMIT 1", [
        sessionId,
      ])
      return rows.length > 0
    },
  }
}

async function readSize(query: Query, sessionId: string, id: string): Promise<number | null> {
  const [row] = await query("SELECT bytes FROM agent_gateway.content WHERE session_id = $1 AND id = $2", [
    sessionId,
    id,
  ])
  return row === undefined ? null : readInteger(row, "bytes")
}

/**
 * Reads in one statement if a content is stored and how much its session stores. Between two statements, another
 * process could store the same content, and its bytes would count against it. Null if there is no such session.
 */
async function readState(query: Query, sessionId: string, id: string) {
  const [row] = await query(
    `SELECT content_bytes, EXISTS (
       SELECT 1 FROM agent_gateway.content WHERE content.session_id = session.id AND content.id = $2
     ) AS stored
     FROM agent_gateway.session WHERE session.id = $1`,
    [sessionId, id],
  )
  return row === undefined
    ? null
    : { usedBytes: readInteger(row, "content_bytes"), stored: row.stored === true }
}
