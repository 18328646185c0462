import type { DirectoryCursor } from "./ports/store/directory.ts"

/**
 * Writes a position in the form that clients hold: `CREATED_AT.ID`. It contains only values that the client has
 * already received.
 */
export function formatDirectoryCursor({ createdAt, id }: DirectoryCursor): string {
  return `${createdAt}.${id}`
}

/** Parses a position. Returns null if the text is not a position. */
export function parseDirectoryCursor(text: string): DirectoryCursor | null {
  const [, time, id] = /^(\d{1,16})\.([\w-]{1,128})$/.exec(text) ?? []
  if (time === undefined || id === undefined || !Number.isSafeInteger(Number(time))) return null
  return { createdAt: Number(time), id }
}
