/** A text in separate rows, to which another row refers. */
export interface TextReference {
  readonly id: string
  /** Number of its rows. */
  readonly chunks: number
  readonly bytes: number
  /** SHA-256 of its bytes. */
  readonly digest: string
}

/** JSON never starts with these characters. */
const prefix = "chunks:"

/** Returns the form in which a row stores the reference, in place of a JSON text. */
export function writeReference({ id, chunks, bytes, digest }: TextReference): string {
  return prefix + [id, chunks, bytes, digest].join(":")
}

/** Returns null for any other value, such as a JSON text. */
export function readReference(value: unknown): TextReference | null {
  if (typeof value !== "string" || !value.startsWith(prefix)) return null
  const [id = "", chunks, bytes, digest = ""] = value.slice(prefix.length).split(":")
  return { id, chunks: Number(chunks), bytes: Number(bytes), digest }
}

/** Returns true if both values are the same text, or refer to the same text, which may be stored twice. */
export function isSameText(left: unknown, right: string): boolean {
  const [first, second] = [readReference(left), readReference(right)]
  if (first === null || second === null) return left === right
  return first.bytes === second.bytes && first.digest === second.digest
}
