import { type DeltaEntry, type Entry, type EventEntry, settlesDeltas } from "../core/entries.ts"
import { upcast } from "../core/upcast.ts"
import { integer, json, type Row, text } from "./columns.ts"
import { type DeltaRow, packDeltas, unpackDeltas } from "./delta-rows.ts"
import { type LargeBodies, noLargeBodies } from "./large-bodies.ts"

/** What the entries of one batch become in the tables of either database. */
export interface EntryRows {
  readonly events: readonly EventRow[]
  readonly deltas: readonly DeltaRow[]
  /** The last event that settles the deltas before it (rule 6). */
  readonly settling: EventEntry | null
  /** 0 when there are no entries. */
  readonly lastSeq: number
  /** Bytes that the events add to the stored size of their session. */
  readonly bytes: number
  /** The newest version and time among the events; 0 when there are none. */
  readonly version: number
  readonly at: number
}

/** An event and the text that it is stored as. */
export type EventRow = EventEntry & { readonly body: string }

/** @param bodies Texts of events that were made before; the others are made now. */
export function toRows(entries: readonly Entry[], bodies: LargeBodies = noLargeBodies): EntryRows {
  const events = entries
    .filter((entry) => entry.kind === "event")
    .map((entry): EventRow => ({ ...entry, body: bodies.get(entry) ?? JSON.stringify(entry.event) }))
  return {
    events,
    deltas: deltaRows(entries),
    settling: events.findLast((entry) => settlesDeltas(entry.event)) ?? null,
    lastSeq: entries.at(-1)?.seq ?? 0,
    bytes: events.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0),
    version: Math.max(0, ...events.map((entry) => entry.v)),
    at: Math.max(0, ...events.map((entry) => entry.at)),
  }
}

/** From a row of either table with `kind`, `seq`, `run_id` and `body`, for an event `v` and `at` too. */
export function fromRow(row: Row): Entry[] {
  const seq = integer(row, "seq")
  const runId = text(row, "run_id")
  if (text(row, "kind") === "delta") return unpackDeltas({ firstSeq: seq, runId, body: text(row, "body") })
  const [v, at] = [integer(row, "v"), integer(row, "at")]
  return [{ kind: "event", seq, v, at, runId, event: upcast(json(row, "body"), v) }]
}

/** Readers hold whole rows, so a row that has so much is full. */
const fullRowCharacters = 32_768
const fullRowEntries = 500

/** A row holds deltas of one run and spans no event, so rows and events interleave by their first numbers. */
function deltaRows(entries: readonly Entry[]): DeltaRow[] {
  const rows: DeltaRow[] = []
  let open: [DeltaEntry, ...DeltaEntry[]] | null = null
  let characters = 0
  for (const entry of entries) {
    const isFull = characters >= fullRowCharacters || (open?.length ?? 0) >= fullRowEntries
    if (entry.kind === "delta" && open !== null && open[0].runId === entry.runId && !isFull) {
      open.push(entry)
      characters += entry.delta.text.length
      continue
    }
    if (open !== null) rows.push(packDeltas(open))
    open = entry.kind === "delta" ? [entry] : null
    characters = entry.kind === "delta" ? entry.delta.text.length : 0
  }
  if (open !== null) rows.push(packDeltas(open))
  return rows
}
