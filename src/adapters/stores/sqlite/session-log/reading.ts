import type { Entry } from "../../../../core/log/entries.ts"
import type { ReadOptions } from "../../../../core/ports/store/read-options.ts"
import type { Principal } from "../../../../core/ports/store/session-log.ts"
import { waitForNextSlice } from "../../../../core/time/next-slice.ts"
import { escapeText, type Row, readInteger, readNullableText, readTextLength } from "../../rows/columns.ts"
import { isLargeRow, toEntries, toEntriesInSlices } from "../../rows/entry-rows.ts"
import { readArchivedBody, readArchivedLength, restoreRow } from "../../rows/large/archived-bodies.ts"
import { maxSliceCharacters } from "../../rows/large/slice-size.ts"
import { isOfTask } from "../../sql/log-starts.ts"
import type { Database } from "../database/database.ts"
import { selectLargeText } from "../database/large-text.ts"
import { maxRows } from "../database/slices.ts"
import { loadText } from "../large/large-texts.ts"
import { readReference } from "../large/text-reference.ts"

/** SQL: selects the archived body of an event; null if its row has a body. */
const archived = `CASE WHEN octet_length(entry.body) = 0 THEN (
    SELECT archived_body.body FROM archived_body
    WHERE archived_body.session_id = entry.session_id AND archived_body.seq = entry.seq
  ) END AS archived`

/**
 * One statement, so that events and deltas are of one snapshot. The delta row that contains the cursor comes first.
 */
const withDeltas = `
  SELECT 'event' AS kind, seq, v, at, run_id, ${selectLargeText("body")}, ${archived} FROM entry
    WHERE session_id = ? AND seq > ? AND (? OR type <> 'historyReplaced')
  UNION ALL
  SELECT 'delta' AS kind, seq, 0, 0, run_id, body, NULL FROM delta WHERE session_id = ? AND seq >=
    (SELECT coalesce(max(seq), 0) FROM delta WHERE session_id = ? AND seq <= ?)
  ORDER BY seq LIMIT ${maxRows}`

const eventsOnly = `
  SELECT 'event' AS kind, seq, v, at, run_id, ${selectLargeText("body")}, ${archived} FROM entry
    WHERE session_id = ? AND seq > ? AND (? OR type <> 'historyReplaced')
  ORDER BY seq LIMIT ${maxRows}`

const tasks = `
  SELECT 'event' AS kind, seq, v, at, run_id, ${selectLargeText("body")}, ${archived} FROM entry
  WHERE session_id = ? AND seq > ? AND ${isOfTask} ORDER BY seq LIMIT ${maxRows}`

export async function readEntries(
  database: Database,
  sessionId: string,
  {
    afterSeq,
    limit,
    maxCharacters = Number.POSITIVE_INFINITY,
    deltas = true,
    replacedHistories = true,
    tasksOnly = false,
    reads,
  }: ReadOptions & { readonly reads: number },
): Promise<Entry[]> {
  const histories = Number(replacedHistories)
  const readRowsAfter = (after: number) => {
    if (tasksOnly) return database.each(tasks, sessionId, after)
    return deltas
      ? database.each(withDeltas, sessionId, after, histories, sessionId, sessionId, after)
      : database.each(eventsOnly, sessionId, after, histories)
  }
  const entries: Entry[] = []
  let characters = 0
  for (;;) {
    const after = entries.at(-1)?.seq ?? afterSeq
    const slice = await database.read(() =>
      readSlice(readRowsAfter(after), {
        after,
        reads,
        limit: limit - entries.length,
        maxCharacters: Math.min(maxCharacters - characters, maxSliceCharacters),
      }),
    )
    for (const some of slice.entries) {
      if (Array.isArray(some)) {
        entries.push(...some)
        continue
      }
      const row = await restoreBody(database, sessionId, some)
      if (row !== null) entries.push(...(await toEntriesInSlices(row, reads)))
    }
    characters += slice.characters
    const isLast = slice.complete || entries.length >= limit || characters >= maxCharacters
    if (isLast && slice.characters < maxSliceCharacters) return entries
    // The reader's work on this amount of text is left to another turn.
    await waitForNextSlice()
    if (isLast) return entries
  }
}

const moved = `SELECT ${archived} FROM entry WHERE session_id = ? AND seq = ?`

/**
 * Resolves to the row with its body, which may be compressed or in chunks. Resolves to null if the session was removed
 * in the meantime.
 */
async function restoreBody(database: Database, sessionId: string, row: Row): Promise<Row | null> {
  const reference = readReference(row.body)
  if (reference === null) return restoreRow(row)
  const body = await loadText(database, sessionId, reference)
  if (body !== null) return { ...row, body }
  // The event may have been archived in the meantime.
  const now = await database.read(() => database.get(moved, sessionId, readInteger(row, "seq")))
  if (now === undefined) return null
  if (readArchivedBody(now) === null) throw new Error("The text of an event is missing.")
  return restoreRow({ ...row, ...now })
}

interface Slice {
  /** The entries of each row, or a row whose body is large, elsewhere, or still compressed. */
  readonly entries: readonly (Entry[] | Row)[]
  readonly characters: number
  readonly complete: boolean
}

interface SliceOptions {
  readonly after: number
  readonly reads: number
  readonly limit: number
  readonly maxCharacters: number
}

function readSlice(rows: Iterable<Row>, { after, reads, limit, maxCharacters }: SliceOptions): Slice {
  const entries: (Entry[] | Row)[] = []
  let found = 0
  let count = 0
  let characters = 0
  for (const row of rows) {
    const compressed = readArchivedBody(row)
    const reference = readReference(row.body)
    const isLater = compressed !== null || reference !== null || isLargeRow(row)
    const ofRow = isLater ? row : toEntries(row, reads).filter(({ seq }) => seq > after)
    entries.push(ofRow)
    found += Array.isArray(ofRow) ? ofRow.length : 1
    count += 1
    // The row with the cursor may contain nothing new. A slice that ended with it would never advance.
    const ownLength = compressed === null ? readTextLength(row, "body") : readArchivedLength(compressed)
    if (found > 0) characters += reference?.bytes ?? ownLength
    if (found >= limit || characters >= maxCharacters) return { entries, characters, complete: false }
  }
  return { entries, characters, complete: count < maxRows }
}

/** Maximum sessions whose sizes are added up in one turn of the event loop (rule 15). */
const sessionsPerSlice = 2_000

/**
 * Returns the stored bytes of a principal. A principal may have very many sessions, so their sizes are added up in
 * slices.
 */
export async function countStoredBytes(database: Database, { tenant, userId }: Principal): Promise<number> {
  let bytes = 0
  let afterId: string | null = ""
  while (afterId !== null) {
    const slice: Row | undefined = await database.read(() =>
      database.get(
        `SELECT coalesce(sum(bytes), 0) AS bytes, count(*) AS sessions, max(id) AS last_id FROM (
           SELECT id, stored_bytes + content_bytes + archived_bytes AS bytes FROM session
           WHERE tenant = ? AND user_id = ? AND id > ? ORDER BY id LIMIT ${sessionsPerSlice})`,
        escapeText(tenant),
        escapeText(userId),
        afterId,
      ),
    )
    bytes += readInteger(slice ?? {}, "bytes")
    const isLast = readInteger(slice ?? {}, "sessions") < sessionsPerSlice
    afterId = isLast ? null : readNullableText(slice ?? {}, "last_id")
    if (afterId !== null) await waitForNextSlice()
  }
  return bytes
}
