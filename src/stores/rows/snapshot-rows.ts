import type { Snapshot } from "../../core/ports/store/snapshots.ts"
import { integer, type Row } from "./columns.ts"

export function toSnapshot(row: Row): Snapshot {
  return { version: integer(row, "version"), seq: integer(row, "seq"), body: bytes(row) }
}

export function bytes({ body }: Row): Uint8Array {
  if (body instanceof Uint8Array) return body
  throw new TypeError(`Column body should hold bytes, not a ${typeof body}.`)
}
