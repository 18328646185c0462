import type { Archive } from "../../../core/ports/store/archive.ts"
import { readInteger, readText } from "../rows/columns.ts"
import { type SqlDatabase, schema, sql } from "./statement.ts"

/** Moves bodies of events between the numbers into the archive. Resolves to the last number, or to null for none. */
export type MoveBodies = (sessionId: string, afterSeq: number, beforeSeq: number) => Promise<number | null>

export function createArchive({ read, write }: SqlDatabase, moveBodies: MoveBodies): Archive {
  async function findLastArchived(sessionId: string): Promise<number> {
    const [row = {}] = await read(sql`SELECT coalesce(max(seq), 0) AS seq FROM ${schema}archived_body
      WHERE session_id = ${sessionId}`)
    return readInteger(row, "seq")
  }

  return {
    async due(limit) {
      const rows = await read(
        sql`SELECT session_id, seq FROM ${schema}archive_due ORDER BY session_id LIMIT ${limit}`,
      )
      return rows.map((row) => ({ sessionId: readText(row, "session_id"), seq: readInteger(row, "seq") }))
    },
    move: async (sessionId, { afterSeq, beforeSeq }) =>
      moveBodies(sessionId, afterSeq ?? (await findLastArchived(sessionId)), beforeSeq),
    async done({ sessionId, seq }) {
      await write(sql`DELETE FROM ${schema}archive_due WHERE session_id = ${sessionId} AND seq <= ${seq}`)
    },
  }
}
