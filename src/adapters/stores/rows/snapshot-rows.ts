import type { Snapshot } from "../../../core/ports/store/snapshots.ts"
import { type Row, readInteger } from "./columns.ts"

export function toSnapshot(row: Row): Snapshot {
  return { version: readInteger(row, "version"), seq: readInteger(row, "seq"), body: readBytes(row) }
}

export function readBytes({ body }: Row): Uint8Array {
  if (body instanceof Uint8Array) return body
  throw new TypeError(`Column body should hold bytes, not a ${typeof body}.`)
}
