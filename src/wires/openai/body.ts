import type { z } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { HttpEnv } from "../../http/http-env.ts"
import { createInvalidBody } from "../../http/problem.ts"
import { toFieldErrors } from "../../http/request/field-errors.ts"

/** Resolves to the body of a request. Rejects with a 422 problem if it does not match the schema. */
export async function readBody<Schema extends z.ZodType>(
  c: Context<HttpEnv>,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const parsed = schema.safeParse(await c.req.json())
  if (!parsed.success) throw createInvalidBody(toFieldErrors(parsed.error))
  return parsed.data
}
