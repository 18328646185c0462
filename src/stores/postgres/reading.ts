import { setImmediate as nextTurn } from "node:timers/promises"
import type { Entry } from "../../core/entries.ts"
import type { ReadOptions } from "../../core/ports/session-log.ts"
import { integer, type Row, text } from "../columns.ts"
import { fromRow } from "../entry-rows.ts"
import type { Query } from "./database.ts"
import { maxCharacters } from "./parse-rows.ts"

const maxRows = 200

/** One statement, so that events and deltas are of one snapshot. The delta row that $2 lies in comes first. */
const withDeltas = `
  SELECT 'event' AS kind, seq, v, at, run_id, body FROM agent_gateway.entry WHERE session_id = $1 AND seq > $2
  UNION ALL
  SELECT 'delta' AS kind, seq, 0, 0, run_id, body FROM agent_gateway.delta WHERE session_id = $1 AND seq >=
    (SELECT coalesce(max(seq), 0) FROM agent_gateway.delta WHERE session_id = $1 AND seq <= $2)
  ORDER BY seq LIMIT ${maxRows}`

const eventsOnly = `
  SELECT 'event' AS kind, seq, v, at, run_id, body FROM agent_gateway.entry
  WHERE session_id = $1 AND seq > $2 ORDER BY seq LIMIT ${maxRows}`

export async function readEntries(
  query: Query,
  sessionId: string,
  { afterSeq, limit, deltas = true }: ReadOptions,
): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (;;) {
    const after = entries.at(-1)?.seq ?? afterSeq
    const rows = await query(deltas ? withDeltas : eventsOnly, [sessionId, after])
    await append(entries, rows, { after, limit })
    if (rows.length < maxRows || entries.length >= limit) return entries
  }
}

async function append(
  entries: Entry[],
  rows: readonly Row[],
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<void> {
  let characters = 0
  for (const row of rows) {
    for (const entry of fromRow(row)) if (entry.seq > after) entries.push(entry)
    if (entries.length >= limit) return
    characters += text(row, "body").length
    if (characters < maxCharacters) continue
    characters = 0
    await nextTurn()
  }
}

export async function stepStart(query: Query, sessionId: string, seq: number): Promise<number> {
  const [row] = await query(
    `SELECT coalesce(max(seq), 0) AS seq FROM agent_gateway.entry
     WHERE session_id = $1 AND type = 'stepStarted' AND seq <= $2`,
    [sessionId, seq],
  )
  return integer(row ?? {}, "seq")
}
