import { z } from "zod"
import { parseDirectoryCursor } from "../core/directory-cursor.ts"
import { GatewayError } from "../core/errors.ts"
import type { DirectoryCursor } from "../core/ports/store/directory.ts"

export const name = z.string().min(1).max(256)
export const id = z.string().min(1).max(128)
/** Milliseconds since the Unix epoch. */
export const time = z.number()
export const json = z.record(z.string(), z.unknown())
export const done = z.object({ status: z.literal("ok") })
export const ok = { status: "ok" } as const
/** US dollars. Null if the price of a model is not known. */
export const cost = z.number().nullable()

/** Members of the inputs of lists. */
export const paging = {
  after: z.string().max(4_000).optional().describe("Only what follows the page with this `next`"),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("Maximum, from 1 to 200 (default 50)"),
}

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() })
}

export function parseCursor(after: string | undefined): DirectoryCursor | undefined {
  if (after === undefined) return undefined
  const cursor = parseDirectoryCursor(after)
  if (cursor === null) throw createInvalidCursor()
  return cursor
}

export function createInvalidCursor(): GatewayError {
  return new GatewayError(
    { code: "invalid_cursor", status: 400 },
    "after must be the `next` of an earlier page.",
  )
}
