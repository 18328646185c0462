import { z } from "@hono/zod-openapi"
import { identifier } from "../../../http/schemas/parts/identifier.ts"

export const cancelRequestSchema = z
  // A misspelled `run_id` would cancel whichever run is open.
  .strictObject({
    run_id: identifier
      .optional()
      .openapi({ description: "Default: the open run or, without one, the queued run that is taken next." }),
    message_id: z
      .string()
      .regex(/^[1-9]\d{0,14}$/)
      .optional()
      .openapi({
        description:
          "A message of the history's `steering_messages`. The request then withdraws this message and cancels no run.",
      }),
  })
  .refine(({ run_id, message_id }) => run_id === undefined || message_id === undefined, {
    path: ["message_id"],
    message: "Send either run_id or message_id.",
  })
  .openapi("CancelRequest", {
    not: { required: ["run_id", "message_id"] },
    example: { run_id: "run_4fzyo82mvyr7jtnc1q9x" },
  })

export const cancelResponseSchema = z
  .object({
    status: z.literal("ok"),
    run_id: z.string().openapi({
      description: "The canceled or withdrawn run, or the run that a withdrawn message waited for.",
    }),
  })
  .openapi("CancelResponse", { example: { status: "ok", run_id: "run_4fzyo82mvyr7jtnc1q9x" } })
