import { z } from "@hono/zod-openapi"
import { pendingApprovalSchema, pendingCallSchema, pendingElicitationSchema, subAgentId } from "./history.ts"

const waitId = { wait_id: z.string() }

/** Fields of a wait that no client can answer. */
const ownWait = {
  ...waitId,
  tool_call_id: z.string(),
  tool_name: z.string(),
  expires_at: z.int().openapi({ description: "Seconds since the Unix epoch." }),
  sub_agent_id: subAgentId,
}

export const waitsResponseSchema = z
  .object({
    waits: z.array(
      z.discriminatedUnion("kind", [
        pendingApprovalSchema.extend({ ...waitId, kind: z.literal("approval") }),
        pendingCallSchema.extend({ ...waitId, kind: z.literal("client_tool") }),
        pendingElicitationSchema.extend({ ...waitId, kind: z.literal("elicitation") }),
        z.object({
          ...ownWait,
          kind: z.literal("child"),
          child_id: z.string().openapi({ description: "Id of the session that the call waits for." }),
          agent_name: z.string(),
        }),
        z.object({ ...ownWait, kind: z.literal("timer") }),
      ]),
    ),
  })
  .openapi("Waits", { description: "Oldest first." })

export type WaitsResponse = z.input<typeof waitsResponseSchema>
