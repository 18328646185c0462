import { archivedRowsAtOnce, toArchivePage } from "../../rows/large/archived-bodies.ts"
import type { MoveBodies } from "../../sql/archive.ts"
import type { Database } from "../database/database.ts"

export function createBodyMover({ query }: Database): MoveBodies {
  return async (sessionId, afterSeq, beforeSeq) => {
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
        [sessionId, afterSeq, beforeSeq],
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
  }
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
