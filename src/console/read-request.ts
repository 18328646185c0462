import type { z } from "@hono/zod-openapi"
import type { Context } from "hono"
import { parseDirectoryCursor } from "../core/directory-cursor.ts"
import type { DirectoryCursor } from "../core/ports/store/directory.ts"
import type { HttpEnv } from "../http/http-env.ts"
import { createInvalidBody, Problem } from "../http/problem.ts"
import { toFieldErrors } from "../http/request/field-errors.ts"

/** Returns the JSON body, or throws a problem that names each invalid field. */
export async function readBody<Value>(c: Context<HttpEnv>, schema: z.ZodType<Value>): Promise<Value> {
  const { data, error } = schema.safeParse(await c.req.json())
  if (error !== undefined) throw createInvalidBody(toFieldErrors(error))
  return data
}

/** Returns the query parameters, or throws the same problem. */
export function readQuery<Value>(c: Context<HttpEnv>, schema: z.ZodType<Value>): Value {
  const { data, error } = schema.safeParse(c.req.query())
  if (error !== undefined) throw createInvalidBody(toFieldErrors(error))
  return data
}

export function readCursor(after: string | undefined): DirectoryCursor | null {
  if (after === undefined) return null
  const cursor = parseDirectoryCursor(after)
  if (cursor !== null) return cursor
  throw new Problem({ code: "invalid_cursor", status: 400 }, "after must be the `next` of an earlier page.")
}
