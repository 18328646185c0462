import type { z } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { HttpEnv } from "../http/http-env.ts"
import { createInvalidBody } from "../http/problem.ts"
import { toFieldErrors } from "../http/request/field-errors.ts"

/** Returns the JSON body, or throws a problem that names each invalid field. */
export async function readBody<Value>(c: Context<HttpEnv>, schema: z.ZodType<Value>): Promise<Value> {
  const { data, error } = schema.safeParse(await c.req.json())
  if (error !== undefined) throw createInvalidBody(toFieldErrors(error))
  return data
}
