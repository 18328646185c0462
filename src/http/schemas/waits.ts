import { z } from "@hono/zod-openapi"
import { pendingApprovalSchema, pendingCallSchema, pendingElicitationSchema } from "./history.ts"

export const waitsResponseSchema = z
  .object({
    waits: z.array(
      z.discriminatedUnion("kind", [
        pendingApprovalSchema.extend({ kind: z.literal("approval") }),
        pendingCallSchema.extend({ kind: z.literal("client_tool") }),
        pendingElicitationSchema.extend({ kind: z.literal("elicitation") }),
      ]),
    ),
  })
  .openapi("Waits", { description: "Oldest first." })

export type WaitsResponse = z.input<typeof waitsResponseSchema>
