import type { Entry } from "../../../../core/log/entries.ts"
import type { ReadOptions } from "../../../../core/ports/store/read-options.ts"
import type { Principal } from "../../../../core/ports/store/session-log.ts"
import { waitForNextSlice } from "../../../../core/time/next-slice.ts"
import { escapeText, type Row, readInteger, readTextLength } from "../../rows/columns.ts"
import { isLargeRow, toEntries, toEntriesInSlices } from "../../rows/entry-rows.ts"
import { readArchivedBody, restoreRow } from "../../rows/large/archived-bodies.ts"
import { maxSliceCharacters } from "../../rows/large/slice-size.ts"
import { isOfTask } from "../../sql/log-starts.ts"
import type { Query } from "../database/database.ts"

const maxRows = 200
/**
 * Bytes of bodies after which one query returns no further row. The driver holds all rows of a query, and an event may
 * have megabytes.
 */
const maxQueryBytes = 1_000_000

/** SQL: selects the archived body of an event; null if its row has a body. */
const archived = `CASE WHEN entry.body = '' THEN (
    SELECT old.body FROM agent_gateway.archived_body AS old
    WHERE old.session_id = entry.session_id AND old.seq = entry.seq
  ) END AS archived`

/** One statement, so that events and deltas are of one snapshot. The delta row that contains $2 comes first. */
const withDeltas = `
  SELECT 'event' AS kind, seq, v, at, run_id, body, ${archived} FROM agent_gateway.entry
  WHERE session_id = $1 AND seq > $2 AND ($4 OR type <> 'historyReplaced')
  UNION ALL
  SELECT 'delta' AS kind, seq, 0, 0, run_id, body, NULL FROM agent_gateway.delta WHERE session_id = $1 AND seq >=
    (SELECT coalesce(max(seq), 0) FROM agent_gateway.delta WHERE session_id = $1 AND seq <= $2)
  ORDER BY seq LIMIT $3`

const eventsOnly = `
  SELECT 'event' AS kind, seq, v, at, run_id, body, ${archived} FROM agent_gateway.entry
  WHERE session_id = $1 AND seq > $2 AND ($4 OR type <> 'historyReplaced') ORDER BY seq LIMIT $3`

const tasks = `
  SELECT 'event' AS kind, seq, v, at, run_id, body, ${archived} FROM agent_gateway.entry
  WHERE session_id = $1 AND seq > $2 AND ${isOfTask} ORDER BY seq LIMIT $3`

/**
 * SQL: the first of the rows, up to the one with which the bodies have `maxQueryBytes` together. The row that contains
 * the cursor $2 does not count, because it may contain nothing new. Postgres knows the sizes without reading the
 * bodies.
 */
function selectFirst(rows: string): string {
  const size = "CASE WHEN seq > $2 THEN octet_length(body) + coalesce(octet_length(archived), 0) ELSE 0 END"
  return `
    SELECT kind, seq, v, at, run_id, body, archived, total FROM (
      SELECT *, ${size} AS size, sum(${size}) OVER (ORDER BY seq) AS total FROM (${rows}) AS page
    ) AS page WHERE total - size < ${maxQueryBytes} ORDER BY seq`
}

const firstWithDeltas = selectFirst(withDeltas)
const firstEvents = selectFirst(eventsOnly)
const firstOfTasks = selectFirst(tasks)

export async function readEntries(
  query: Query,
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
): Promise<readonly Entry[]> {
  const page: Page = { entries: [], characters: 0 }
  const readRowsAfter = (after: number, wanted: number) => {
    if (tasksOnly) return query(firstOfTasks, [sessionId, after, wanted])
    return query(deltas ? firstWithDeltas : firstEvents, [sessionId, after, wanted, replacedHistories])
  }
  const isFull = () => page.entries.length >= limit || page.characters >= maxCharacters
  for (;;) {
    const after = page.entries.at(-1)?.seq ?? afterSeq
    // The first row may contain nothing new.
    const wanted = Math.min(limit - page.entries.length + 1, maxRows)
    const rows = await readRowsAfter(after, wanted)
    await append(page, rows, { after, reads, isFull })
    const isLast = rows.length < wanted && readTotal(rows) < maxQueryBytes
    if (isLast || isFull()) return page.entries
  }
}

function readTotal(rows: readonly Row[]): number {
  const last = rows.at(-1)
  return last === undefined ? 0 : readInteger(last, "total")
}

interface Page {
  readonly entries: Entry[]
  characters: number
}

async function append(
  page: Page,
  rows: readonly Row[],
  {
    after,
    reads,
    isFull,
  }: { readonly after: number; readonly reads: number; readonly isFull: () => boolean },
): Promise<void> {
  let characters = 0
  for (const given of rows) {
    const row = readArchivedBody(given) === null ? given : await restoreRow(given)
    const entries = isLargeRow(row) ? await toEntriesInSlices(row, reads) : toEntries(row, reads)
    for (const entry of entries) if (entry.seq > after) page.entries.push(entry)
    const length = readTextLength(row, "body")
    if (page.entries.length > 0) page.characters += length
    if (isFull()) return
    characters += length
    if (characters < maxSliceCharacters) continue
    characters = 0
    await waitForNextSlice()
  }
}

export async function readStoredBytes(query: Query, { tenant, userId }: Principal): Promise<number> {
  const [row] = await query(
    `SELECT coalesce(sum(stored_bytes + content_bytes + archived_bytes), 0) AS bytes FROM agent_gateway.session
     WHERE tenant = $1 AND user_id = $2`,
    [escapeText(tenant), escapeText(userId)],
  )
  return readInteger(row ?? {}, "bytes")
}
