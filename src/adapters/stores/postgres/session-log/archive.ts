import type { Archive } from "../../../../core/ports/store/archive.ts"
import { readInteger, readText } from "../../rows/columns.ts"
import { archivedRowsAtOnce, toArchivePage } from "../../rows/large/archived-bodies.ts"
import type { Database, Query } from "../database/database.ts"

export function createArchive({ query }: Database): Archive {
  return {
    async due(limit) {
      const rows = await query(
        "SELECT session_id, seq FROM agent_gateway.archive_due ORDER BY session_id LIMIT $1",
        [limit],
      )
      return rows.map((row) => ({ sessionId: readText(row, "session_id"), seq: readInteger(row, "seq") }))
    },
    async move(sessionId, { afterSeq, beforeSeq }) {
      const after = afterSeq ?? (await findLastArchived(query, sessionId))
      const page = await toArchivePage(
        // `bytes_before` limits the page, so that few large bodies are read at once.
        await query(
          `SELECT seq, body FROM (
             SELECT seq, body, sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS bytes_before
             FROM (
               SELECT seq, body FROM agent_gateway.entry WHERE session_id = $1 AND seq > $2 AND seq < $3
               ORDER BY seq LIMIT ${archivedRowsAtOnce}
             ) AS page
           ) AS summed WHERE bytes_before < 1000000 ORDER BY seq`,
          [sessionId, after, beforeSeq],
        ),
      )
      if (page === null) return null
      const { bodies, lastSeq } = page
      const changed = await query(archiveBodies, [
        sessionId,
        bodies.map(({ seq }) => seq),
        bodies.map(({ bytes }) => bytes),
        bodies.map(({ body }) => body),
      ])
      return changed.length > 0 ? lastSeq : null
    },
    async done({ sessionId, seq }) {
      await query("DELETE FROM agent_gateway.archive_due WHERE session_id = $1 AND seq <= $2", [
        sessionId,
        seq,
      ])
    },
  }
}

async function findLastArchived(query: Query, sessionId: string): Promise<number> {
  const [row] = await query(
    "SELECT coalesce(max(seq), 0) AS seq FROM agent_gateway.archived_body WHERE session_id = $1",
    [sessionId],
  )
  return readInteger(row ?? {}, "seq")
}

/**
 * SQL that locks the session first, so that it is not removed meanwhile. Returns no row if the session does not
 * exist.
 */
const archiveBodies = `WITH
  own AS (SELECT id FROM agent_gateway.session WHERE id = $1 FOR UPDATE),
  given AS (SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS each(seq, bytes, body)),
  cleared AS (
    UPDATE agent_gateway.entry SET body = '' FROM own, given
    WHERE entry.session_id = own.id AND entry.seq = given.seq AND entry.body <> ''
    RETURNING entry.seq, given.bytes, given.body
  ),
  archived AS (
    INSERT INTO agent_gateway.archived_body (session_id, seq, body)
    SELECT own.id, cleared.seq, cleared.body FROM own, cleared
  )
  UPDATE agent_gateway.session SET
    stored_bytes = session.stored_bytes - (SELECT coalesce(sum(cleared.bytes), 0) FROM cleared),
    archived_bytes = session.archived_bytes + (SELECT coalesce(sum(octet_length(cleared.body)), 0) FROM cleared)
  FROM own WHERE session.id = own.id RETURNING session.id`
