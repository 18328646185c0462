import { GatewayError, StoreUnavailableError, toError } from "../../../../core/errors.ts"

/** Primary result codes, https://www.sqlite.org/rescode.html, for a connection that must wait for another one. */
const busy: ReadonlySet<number> = new Set([5 /* BUSY */, 6 /* LOCKED */, 15 /* PROTOCOL */])

/** Result codes for a database that is unavailable. The request itself is correct. */
const unavailable: ReadonlySet<number> = new Set([
  ...busy,
  7 /* NOMEM */,
  8 /* READONLY */,
  9 /* INTERRUPT */,
  10 /* IOERR */,
  11 /* CORRUPT */,
  13 /* FULL */,
  14 /* CANTOPEN */,
  26 /* NOTADB */,
])

export function isBusy(error: unknown): boolean {
  return busy.has(readPrimaryCode(error))
}

/** Returns the error for callers of the store. A failure because of the database's state is retryable. */
export function toStoreError(error: unknown): Error {
  if (error instanceof GatewayError) return error
  if (unavailable.has(readPrimaryCode(error)) || isClosed(error)) {
    return new StoreUnavailableError({ cause: error, detail: toError(error).message })
  }
  return toError(error)
}

function readPrimaryCode(error: unknown): number {
  const code = error instanceof Error && "errcode" in error ? error.errcode : 0
  return typeof code === "number" ? code & 0xff : 0
}

/** Returns true for the error that `node:sqlite` throws when a closed database is used. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_INVALID_STATE"
}
