/** A row as a driver returns it. */
export type Row = Readonly<Record<string, unknown>>

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** Returns a text. A large text may arrive as UTF-8 bytes. */
export function readText(row: Row, column: string): string {
  const value = row[column]
  if (typeof value === "string") return value
  if (value instanceof Uint8Array) return utf8.decode(value)
  throw createUnexpectedValue(column, "a text", value)
}

/** Returns the length of a text: in characters, or in bytes if it arrived as bytes. Decodes nothing. */
export function readTextLength(row: Row, column: string): number {
  const value = row[column]
  return value instanceof Uint8Array ? value.byteLength : readText(row, column).length
}

export function readNullableText(row: Row, column: string): string | null {
  return row[column] === null ? null : readText(row, column)
}

/**
 * Returns an integer. Drivers return 64-bit integers as numbers, bigints or texts. Throws if JavaScript cannot
 * represent the integer exactly.
 */
export function readInteger(row: Row, column: string): number {
  const value = row[column]
  const number = typeof value === "number" ? value : Number(value ?? Number.NaN)
  if (Number.isSafeInteger(number)) return number
  throw createUnexpectedValue(column, "a safe integer", value)
}

export function readBytes(row: Row, column: string): Uint8Array {
  const value = row[column]
  if (value instanceof Uint8Array) return value
  throw createUnexpectedValue(column, "bytes", value)
}

/** Returns a boolean, which SQLite stores as a number. */
export function readBoolean(row: Row, column: string): boolean {
  return row[column] === true || row[column] === 1
}

/** Parses a JSON column. This package wrote it, so its shape is not checked. */
export function readJson<T>(row: Row, column: string): T {
  return JSON.parse(readText(row, column))
}

/**
 * Escapes short texts from callers (user ids, keys). Both databases would lose or refuse lone surrogates and U+0000,
 * so these are escaped as in JSON. Ordinary names do not change.
 */
export function escapeText(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

export function unescapeText(value: string): string {
  return JSON.parse(`"${value}"`)
}

function createUnexpectedValue(column: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`Column ${column} should hold ${wanted}, not a ${typeof value}.`)
}
