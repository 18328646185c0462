import { type Row, readInteger } from "../../rows/columns.ts"
import { type ArchivedBody, archivedRowsAtOnce, toArchivePage } from "../../rows/large/archived-bodies.ts"
import type { MoveBodies } from "../../sql/archive.ts"
import type { Database } from "../database/database.ts"
import { selectLargeText } from "../database/large-text.ts"
import { dropText, loadText } from "../large/large-texts.ts"
import { readReference } from "../large/text-reference.ts"
import type { TextRemover } from "../large/text-remover.ts"

/** Maximum bytes of bodies to read in one turn of the event loop. */
const bytesPerSlice = 1_000_000
/** More bytes than a reference to a text has. */
const mostReferenceBytes = 500

export function createBodyMover(database: Database, remover: TextRemover): MoveBodies {
  return async (sessionId, afterSeq, beforeSeq) => {
    const rows = await database.read(() => readOldRows(database, sessionId, afterSeq, beforeSeq))
    const page = await toArchivePage(await loadBodies(database, sessionId, rows))
    if (page === null) return null
    const isStored = await database.write(() => archiveBodies(database, sessionId, page.bodies), {
      isLarge: true,
    })
    remover.removeSoon()
    return isStored ? page.lastSeq : null
  }
}

/** Marks the session as due. Must be called inside a transaction. */
export function markArchivable(database: Database, sessionId: string, seq: number): void {
  database.run(
    `INSERT INTO archive_due (session_id, seq) VALUES (?, ?)
     ON CONFLICT (session_id) DO UPDATE SET seq = max(seq, excluded.seq)`,
    sessionId,
    seq,
  )
}

function readOldRows(database: Database, sessionId: string, afterSeq: number, beforeSeq: number): Row[] {
  const rows: Row[] = []
  let bytes = 0
  for (const row of database.each(
    `SELECT seq, ${selectLargeText("body")}, octet_length(body) AS bytes FROM entry
     WHERE session_id = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ${archivedRowsAtOnce}`,
    sessionId,
    afterSeq,
    beforeSeq,
  )) {
    rows.push(row)
    bytes += readReference(row.body)?.bytes ?? readInteger(row, "bytes")
    if (bytes >= bytesPerSlice) break
  }
  return rows
}

/** Resolves to the rows with the texts that they refer to. Leaves out rows that were archived in the meantime. */
async function loadBodies(database: Database, sessionId: string, rows: readonly Row[]): Promise<Row[]> {
  const loaded: Row[] = []
  for (const row of rows) {
    const reference = readReference(row.body)
    const body = reference === null ? row.body : await loadText(database, sessionId, reference)
    if (body !== null) loaded.push({ ...row, body })
  }
  return loaded
}

/** Returns false if the session is gone. Must be called inside a transaction. */
function archiveBodies(database: Database, sessionId: string, bodies: readonly ArchivedBody[]): boolean {
  if (database.get("SELECT 1 FROM session WHERE id = ?", sessionId) === undefined) return false
  let [freed, added] = [0, 0]
  for (const { seq, bytes, body } of bodies) {
    // Another process may have archived it since it was read.
    const ofEvent = "session_id = ? AND seq = ? AND octet_length(body) > 0"
    const stored = database.get(
      `SELECT CASE WHEN octet_length(body) < ${mostReferenceBytes} THEN body END AS body FROM entry WHERE ${ofEvent}`,
      sessionId,
      seq,
    )
    if (stored === undefined) continue
    const reference = readReference(stored.body)
    if (reference !== null) dropText(database, sessionId, reference)
    database.run(`UPDATE entry SET body = '' WHERE ${ofEvent}`, sessionId, seq)
    database.run("INSERT INTO archived_body (session_id, seq, body) VALUES (?, ?, ?)", sessionId, seq, body)
    freed += bytes
    added += body.byteLength
  }
  database.run(
    "UPDATE session SET stored_bytes = stored_bytes - ?, archived_bytes = archived_bytes + ? WHERE id = ?",
    freed,
    added,
    sessionId,
  )
  return true
}
