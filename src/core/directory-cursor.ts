import type { DirectoryCursor } from "./ports/directory.ts"

/** Writes a position as clients hold it: `CREATED_AT.ID`. It says nothing that its holder has not been told. */
export function formatDirectoryCursor({ createdAt, id }: DirectoryCursor): string {
  return `${createdAt}.${id}`
}

/** Reads a position. Returns null for a text that is none. */
export function parseDirectoryCursor(text: string): DirectoryCursor | null {
  const [, time, id] = /^(\d{1,16})\.([\w-]{1,128})$/.exec(text) ?? []
  if (time === undefined || id === undefined || !Number.isSafeInteger(Number(time))) return null
  return { createdAt: Number(time), id }
}
