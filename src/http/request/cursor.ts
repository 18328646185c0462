import { Problem } from "../problem.ts"

/**
 * Returns the cursor at which a client wants to continue. Without either value, it is the start. If both are set, the
 * larger one counts, because an `EventSource` that reconnects sends the last id and its original URL. Refuses a value
 * that is not a whole number from 0 up, because guessing would repeat or lose entries.
 */
export function parseCursor(afterSeq: string | undefined, lastEventId: string | undefined): number {
  return Math.max(parse("after_seq", afterSeq), parse("Last-Event-ID", lastEventId))
}

function parse(field: string, given: string | undefined): number {
  if (given === undefined) return 0
  const cursor = /^\d+$/.test(given) ? Number(given) : Number.NaN
  if (!Number.isSafeInteger(cursor)) throw createInvalidCursor(field)
  return cursor
}

export function createInvalidCursor(field: string): Problem {
  return new Problem({ code: "invalid_cursor", status: 400 }, `${field} must be a whole number from 0 up.`)
}
