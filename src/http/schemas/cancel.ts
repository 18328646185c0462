import { z } from "@hono/zod-openapi"
import { identifier } from "./parts/identifier.ts"

export const cancelRequestSchema = z
  // A misspelled `run_id` would cancel whichever run is open.
  .strictObject({
    run_id: identifier
      .optional()
      .openapi({ description: "Default: the open run or, without one, the queued run that is taken next." }),
  })
  .openapi("CancelRequest", { example: { run_id: "run_4fzyo82mvyr7jtnc1q9x" } })

export const cancelResponseSchema = z
  .object({
    status: z.literal("ok"),
    run_id: z.string().openapi({ description: "The canceled or withdrawn run." }),
  })
  .openapi("CancelResponse", { example: { status: "ok", run_id: "run_4fzyo82mvyr7jtnc1q9x" } })
