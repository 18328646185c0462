import { setImmediate as nextTurn } from "node:timers/promises"
import type { Entry } from "../../core/entries.ts"
import type { ReadOptions } from "../../core/ports/session-log.ts"
import { integer, type Row, text } from "../columns.ts"
import { fromRow } from "../entry-rows.ts"
import { maxSliceCharacters } from "../slice-size.ts"
import type { Database } from "./database.ts"
import { maxRows } from "./slices.ts"

/** One statement, so that events and deltas are of one snapshot. The delta row that the cursor lies in comes first. */
const withDeltas = `
  SELECT 'event' AS kind, seq, v, at, run_id, body FROM entry WHERE session_id = ? AND seq > ?
  UNION ALL
  SELECT 'delta' AS kind, seq, 0, 0, run_id, body FROM delta WHERE session_id = ? AND seq >=
    (SELECT coalesce(max(seq), 0) FROM delta WHERE session_id = ? AND seq <= ?)
  ORDER BY seq LIMIT ${maxRows}`

const eventsOnly = `
  SELECT 'event' AS kind, seq, v, at, run_id, body FROM entry WHERE session_id = ? AND seq > ?
  ORDER BY seq LIMIT ${maxRows}`

export async function readEntries(
  database: Database,
  sessionId: string,
  { afterSeq, limit, maxCharacters = Number.POSITIVE_INFINITY, deltas = true }: ReadOptions,
): Promise<Entry[]> {
  const entries: Entry[] = []
  let characters = 0
  for (;;) {
    const after = entries.at(-1)?.seq ?? afterSeq
    const slice = await database.read(() =>
      readSlice(
        deltas
          ? database.each(withDeltas, sessionId, after, sessionId, sessionId, after)
          : database.each(eventsOnly, sessionId, after),
        {
          after,
          limit: limit - entries.length,
          maxCharacters: Math.min(maxCharacters - characters, maxSliceCharacters),
        },
      ),
    )
    entries.push(...slice.entries)
    characters += slice.characters
    if (slice.complete || entries.length >= limit || characters >= maxCharacters) return entries
    await nextTurn()
  }
}

interface Slice {
  readonly entries: Entry[]
  readonly characters: number
  readonly complete: boolean
}

function readSlice(
  rows: Iterable<Row>,
  {
    after,
    limit,
    maxCharacters,
  }: { readonly after: number; readonly limit: number; readonly maxCharacters: number },
): Slice {
  const entries: Entry[] = []
  let count = 0
  let characters = 0
  for (const row of rows) {
    for (const entry of fromRow(row)) if (entry.seq > after) entries.push(entry)
    count += 1
    // The row that the cursor lies in may have nothing new: a slice that ended with it would never get further.
    if (entries.length > 0) characters += text(row, "body").length
    if (entries.length >= limit || characters >= maxCharacters)
      return { entries, characters, complete: false }
  }
  return { entries, characters, complete: count < maxRows }
}

export function stepStart(database: Database, sessionId: string, seq: number): number {
  const row = database.get(
    "SELECT max(seq) AS seq FROM entry WHERE session_id = ? AND type = 'stepStarted' AND seq <= ?",
    sessionId,
    seq,
  )
  return row === undefined || row.seq === null ? 0 : integer(row, "seq")
}
