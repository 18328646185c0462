import { LogTooNewError } from "../../../core/errors.ts"
import { pieceCharacters } from "../../../core/json/json-pieces.ts"
import { parseInSlices } from "../../../core/json/parse-in-slices.ts"
import {
  type DeltaEntry,
  type Entry,
  type Event,
  type EventEntry,
  logVersion,
  settlesDeltas,
} from "../../../core/log/entries.ts"
import { toStoredForms } from "../../../core/log/forms.ts"
import { type Row, readInteger, readJson, readText, readTextLength } from "./columns.ts"
import { type DeltaRow, packDeltas, unpackDeltas } from "./delta-rows.ts"
import { type LargeBodies, noLargeBodies } from "./large/large-bodies.ts"

/** The rows of one batch's entries, for the tables of either database. */
export interface EntryRows {
  readonly events: readonly EventRow[]
  readonly deltas: readonly DeltaRow[]
  /** The last event that settles the deltas before it (rule 6). */
  readonly settling: EventEntry | null
  /** 0 if there are no entries. */
  readonly lastSeq: number
  /** Bytes that the events add to the stored size of their session. */
  readonly bytes: number
  /** The newest version and time among the events; 0 if there are none. */
  readonly version: number
  readonly at: number
}

/** An event as it is stored. */
export interface EventRow {
  readonly seq: number
  readonly v: number
  readonly at: number
  /** Empty for a session event, because no run has that id. */
  readonly runId: string
  readonly type: string
  readonly body: string
  /** Bytes of the event as JSON. */
  readonly bytes: number
}

/**
 * Returns the rows. `version` is the newest version in which the events may be stored. An event that has no such form
 * is stored unchanged. `bodies` contains the texts of events that were made before. The others are made now.
 */
export function toRows(
  entries: readonly Entry[],
  { version = logVersion, bodies = noLargeBodies }: Storing = {},
): EntryRows {
  const logged = entries.filter((entry) => entry.kind === "event")
  const events = logged.flatMap((entry) => toEventRows(entry, { version, bodies }))
  return {
    events,
    deltas: toDeltaRows(entries),
    settling: logged.findLast((entry) => settlesDeltas(entry.event)) ?? null,
    lastSeq: entries.at(-1)?.seq ?? 0,
    bytes: events.reduce((sum, { bytes }) => sum + bytes, 0),
    version: Math.max(0, ...events.map(({ v }) => v)),
    at: Math.max(0, ...logged.map(({ at }) => at)),
  }
}

/**
 * Returns the rows of an event. An event that older readers do not need has no row for them, because numbers may have
 * gaps (rule 3).
 */
function toEventRows(entry: EventEntry, { version, bodies }: Required<Storing>): EventRow[] {
  const { seq, at, runId, event } = entry
  const forms = toStoredForms(event, version)
  return forms.map((form) => {
    const v = form === event ? entry.v : Math.min(version, entry.v)
    const large = forms.length === 1 ? bodies.get(entry) : undefined
    const body = large?.text ?? JSON.stringify(form)
    const bytes = large?.bytes ?? Buffer.byteLength(body)
    return { seq, v, at, runId: runId ?? "", type: form.type, body, bytes }
  })
}

interface Storing {
  readonly version?: number
  readonly bodies?: LargeBodies
}

/**
 * Converts a row of either table with `kind`, `seq`, `run_id` and `body`, and for an event also `v` and `at`. Throws
 * if the event is newer than this process `reads`.
 */
export function toEntries(row: Row, reads = logVersion): Entry[] {
  const seq = readInteger(row, "seq")
  const runId = readText(row, "run_id")
  if (readText(row, "kind") === "delta")
    return unpackDeltas({ firstSeq: seq, runId, body: readText(row, "body") })
  refuseNewer(row, reads)
  return [convertEvent(row, readJson(row, "body"))]
}

/** Returns true for a row whose body takes more than one slice to parse. */
export function isLargeRow(row: Row): boolean {
  return readText(row, "kind") === "event" && readTextLength(row, "body") > pieceCharacters
}

/** Converts the row of an event like `toEntries`. Parses a large body in slices (rule 15). */
export async function toEntriesInSlices(row: Row, reads = logVersion): Promise<Entry[]> {
  refuseNewer(row, reads)
  return [convertEvent(row, await parseInSlices(readText(row, "body")))]
}

function refuseNewer(row: Row, reads: number): void {
  if (readInteger(row, "v") > reads) throw new LogTooNewError()
}

function convertEvent(row: Row, body: unknown): EventEntry {
  const [seq, v, at, runId] = [
    readInteger(row, "seq"),
    readInteger(row, "v"),
    readInteger(row, "at"),
    readText(row, "run_id"),
  ]
  // This package wrote the body, so its shape is not checked.
  return { kind: "event", seq, v, at, runId: runId === "" ? null : runId, event: body as Event }
}

/** A row with this number of characters is full, because readers hold whole rows. */
const fullRowCharacters = 32_768
const fullRowEntries = 500

/**
 * Returns rows of deltas. A row contains deltas of one run and spans no event, so rows and events interleave by their
 * first numbers.
 */
function toDeltaRows(entries: readonly Entry[]): DeltaRow[] {
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
