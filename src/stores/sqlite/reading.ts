import type { Entry } from "../../core/log/entries.ts"
import type { ReadOptions } from "../../core/ports/read-options.ts"
import type { Principal } from "../../core/ports/session-log.ts"
import { nextSlice } from "../../core/time/next-slice.ts"
import { escapeText, integer, nullableText, type Row, textLength } from "../rows/columns.ts"
import { fromRow } from "../rows/entry-rows.ts"
import { maxSliceCharacters } from "../rows/slice-size.ts"
import type { Database } from "./database/database.ts"
import { largeText } from "./database/large-text.ts"
import { maxRows } from "./database/slices.ts"

/**
 * One statement, so that events and deltas are of one snapshot. The delta row that contains the cursor comes first.
 */
const withDeltas = `
  SELECT 'event' AS kind, seq, v, at, run_id, ${largeText("body")} FROM entry WHERE session_id = ? AND seq > ?
    AND (? OR type <> 'historyReplaced')
  UNION ALL
  SELECT 'delta' AS kind, seq, 0, 0, run_id, body FROM delta WHERE session_id = ? AND seq >=
    (SELECT coalesce(max(seq), 0) FROM delta WHERE session_id = ? AND seq <= ?)
  ORDER BY seq LIMIT ${maxRows}`

const eventsOnly = `
  SELECT 'event' AS kind, seq, v, at, run_id, ${largeText("body")} FROM entry WHERE session_id = ? AND seq > ?
    AND (? OR type <> 'historyReplaced')
  ORDER BY seq LIMIT ${maxRows}`

/** The types are part of the statement, so that SQLite uses the index of these entries. */
const isOfTask = "type IN ('taskRegistered', 'taskEnded', 'tasksCollected')"

const tasks = `
  SELECT 'event' AS kind, seq, v, at, run_id, ${largeText("body")} FROM entry
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
  const rowsAfter = (after: number) => {
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
      readSlice(rowsAfter(after), {
        after,
        reads,
        limit: limit - entries.length,
        maxCharacters: Math.min(maxCharacters - characters, maxSliceCharacters),
      }),
    )
    entries.push(...slice.entries)
    characters += slice.characters
    const isLast = slice.complete || entries.length >= limit || characters >= maxCharacters
    if (isLast && slice.characters < maxSliceCharacters) return entries
    // The reader's work on this amount of text is left to another turn.
    await nextSlice()
    if (isLast) return entries
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
    reads,
    limit,
    maxCharacters,
  }: {
    readonly after: number
    readonly reads: number
    readonly limit: number
    readonly maxCharacters: number
  },
): Slice {
  const entries: Entry[] = []
  let count = 0
  let characters = 0
  for (const row of rows) {
    for (const entry of fromRow(row, reads)) if (entry.seq > after) entries.push(entry)
    count += 1
    // The row with the cursor may contain nothing new. A slice that ended with it would never advance.
    if (entries.length > 0) characters += textLength(row, "body")
    if (entries.length >= limit || characters >= maxCharacters)
      return { entries, characters, complete: false }
  }
  return { entries, characters, complete: count < maxRows }
}

/**
 * SQL: selects the last entry of a type. The type is part of the statement, so that SQLite uses the index of the
 * entries of that type.
 */
function lastOfType(type: "stepStarted" | "runStarted"): string {
  return `SELECT coalesce(max(seq), 0) AS seq FROM entry WHERE session_id = ? AND type = '${type}' AND seq <= ?`
}

const lastStep = lastOfType("stepStarted")
const lastRun = lastOfType("runStarted")

export function stepStart(database: Database, sessionId: string, seq: number): number {
  return integer(database.get(lastStep, sessionId, seq) ?? {}, "seq")
}

export function runStart(database: Database, sessionId: string, seq: number): number {
  return integer(database.get(lastRun, sessionId, seq) ?? {}, "seq")
}

export function historyStart(database: Database, sessionId: string): number {
  const sql =
    "SELECT coalesce(max(seq), 0) AS seq FROM entry WHERE session_id = ? AND type = 'historyReplaced'"
  return integer(database.get(sql, sessionId) ?? {}, "seq")
}

export function compactionStart(database: Database, sessionId: string): number {
  const sql =
    "SELECT coalesce(max(seq), 0) AS seq FROM entry WHERE session_id = ? AND type = 'historyCompacted'"
  return integer(database.get(sql, sessionId) ?? {}, "seq")
}

export function taskStart(database: Database, sessionId: string, newest: number): number {
  const sql = `SELECT coalesce(min(seq), 0) AS seq FROM (
    SELECT seq FROM entry WHERE session_id = ? AND ${isOfTask} AND type = 'taskRegistered'
    ORDER BY seq DESC LIMIT ?)`
  return integer(database.get(sql, sessionId, newest) ?? {}, "seq")
}

/** Maximum sessions whose sizes are added up in one turn of the event loop (rule 15). */
const sessionsPerSlice = 2_000

/**
 * Returns the stored bytes of a principal. A principal may have very many sessions, so their sizes are added up in
 * slices.
 */
export async function storedBytes(database: Database, { tenant, userId }: Principal): Promise<number> {
  let bytes = 0
  let afterId: string | null = ""
  while (afterId !== null) {
    const slice: Row | undefined = await database.read(() =>
      database.get(
        `SELECT coalesce(sum(bytes), 0) AS bytes, count(*) AS sessions, max(id) AS last_id FROM (
           SELECT id, stored_bytes + content_bytes AS bytes FROM session WHERE tenant = ? AND user_id = ? AND id > ?
           ORDER BY id LIMIT ${sessionsPerSlice})`,
        escapeText(tenant),
        escapeText(userId),
        afterId,
      ),
    )
    bytes += integer(slice ?? {}, "bytes")
    const isLast = integer(slice ?? {}, "sessions") < sessionsPerSlice
    afterId = isLast ? null : nullableText(slice ?? {}, "last_id")
    if (afterId !== null) await nextSlice()
  }
  return bytes
}
