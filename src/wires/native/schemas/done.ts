import { z } from "@hono/zod-openapi"

/** Reports only that the change is durable. */
export const doneResponseSchema = z
  .object({ status: z.literal("ok") })
  .openapi("Done", { example: { status: "ok" } })

export const done = { status: "ok" } as const
