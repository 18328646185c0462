/** A row as a driver gives it. */
export type Row = Readonly<Record<string, unknown>>

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** A large text may come as its bytes in UTF-8. */
export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value === "string") return value
  if (value instanceof Uint8Array) return utf8.decode(value)
  throw unexpectedValue(column, "a text", value)
}

/** Returns the length of a text: in characters, or in bytes if it came as bytes. Decodes nothing. */
export function textLength(row: Row, column: string): number {
  const value = row[column]
  return value instanceof Uint8Array ? value.byteLength : text(row, column).length
}

export function nullableText(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

/** Drivers give 64-bit integers as numbers, bigints or texts; only exact JavaScript integers are let through. */
export function integer(row: Row, column: string): number {
  const value = row[column]
  const number = typeof value === "number" ? value : Number(value ?? Number.NaN)
  if (Number.isSafeInteger(number)) return number
  throw unexpectedValue(column, "a safe integer", value)
}

/** Parses a JSON column. This package wrote it, so its shape is not checked. */
export function json<T>(row: Row, column: string): T {
  return JSON.parse(text(row, column))
}

/**
 * For short texts that come from callers (user ids, keys): both databases would lose or refuse lone surrogates
 * and U+0000, so these are escaped as JSON escapes them. Ordinary names stay as they are.
 */
export function escapeText(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

export function unescapeText(value: string): string {
  return JSON.parse(`"${value}"`)
}

function unexpectedValue(column: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`Column ${column} should hold ${wanted}, not a ${typeof value}.`)
}
