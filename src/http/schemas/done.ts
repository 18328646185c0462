import { z } from "@hono/zod-openapi"

/** There is nothing to say but that it happened, durably. */
export const doneResponseSchema = z
  .object({ status: z.literal("ok") })
  .openapi("Done", { example: { status: "ok" } })

export const done = { status: "ok" } as const
