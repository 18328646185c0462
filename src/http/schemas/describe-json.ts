import type { z } from "@hono/zod-openapi"

/** Describes a response with a JSON body. */
export function describeJson<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } }
}
