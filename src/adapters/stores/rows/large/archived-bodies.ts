import { promisify } from "node:util"
import { deflate, inflate } from "node:zlib"
import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { type Row, readInteger, readText } from "../columns.ts"

/** Minimum bytes of a body that is archived. A smaller one would take as much space in the archive. */
const leastBytes = 512
/** Maximum number of rows that one call examines. `bytesAtOnce` limits the bytes of their bodies. */
export const archivedRowsAtOnce = 100
const bytesAtOnce = 1_000_000
/** Bytes of the header, which contains the size of the uncompressed body. */
const headerBytes = 4

const deflateInThread = promisify(deflate)
const inflateInThread = promisify(inflate)

/** A body that moves to the archive. */
export interface ArchivedBody {
  readonly seq: number
  /** Bytes of the body before it was compressed. */
  readonly bytes: number
  readonly body: Uint8Array
}

export interface ArchivePage {
  readonly bodies: readonly ArchivedBody[]
  /** Sequence number of the last row. */
  readonly lastSeq: number
}

/**
 * Compresses the bodies of a page of rows with `seq` and `body`, in a thread. An empty body is already archived.
 * Resolves to null if there are no rows.
 */
export async function toArchivePage(rows: Iterable<Row>): Promise<ArchivePage | null> {
  const bodies: ArchivedBody[] = []
  let [lastSeq, bytes] = [0, 0]
  for (const row of rows) {
    lastSeq = readInteger(row, "seq")
    const value = row.body
    const body = value instanceof Uint8Array ? value : Buffer.from(readText(row, "body"))
    if (body.byteLength >= leastBytes) {
      bodies.push({ seq: lastSeq, bytes: body.byteLength, body: await compress(body) })
    }
    bytes += body.byteLength
    if (bytes >= bytesAtOnce) break
  }
  return lastSeq === 0 ? null : { bodies, lastSeq }
}

async function compress(body: Uint8Array): Promise<Uint8Array> {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(body.byteLength)
  return Buffer.concat([header, await deflateInThread(body)])
}

/** Returns the archived body of a row. Null if the row still has its body. */
export function readArchivedBody(row: Row): Uint8Array | null {
  return row.archived instanceof Uint8Array ? row.archived : null
}

/** Returns the bytes of a body before it was compressed. */
export function readArchivedLength(archived: Uint8Array): number {
  return new DataView(archived.buffer, archived.byteOffset).getUint32(0)
}

/** Resolves to the row with its original body. */
export async function restoreRow(row: Row): Promise<Row> {
  const archived = readArchivedBody(row)
  if (archived === null) return row
  return { ...row, body: await inflateInThread(archived.subarray(headerBytes)) }
}

/**
 * Returns the sequence number of the last event after which earlier events may be archived. Null if there is none.
 */
export function findArchivableFrom({ entries }: SessionBatch): number | null {
  const last = entries.findLast(
    (entry) =>
      entry.kind === "event" &&
      (entry.event.type === "historyCompacted" || entry.event.type === "historyReplaced"),
  )
  return last?.seq ?? null
}
