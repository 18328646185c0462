import { z } from "@hono/zod-openapi"
import { toolServer } from "./question.ts"

export const grantsResponseSchema = z
  .object({
    grants: z.array(
      z.object({
        tool_name: z.string(),
        server: toolServer,
        qualifier: z.string().nullable().openapi({ description: "Null: every call of the tool." }),
        scope: z.enum(["session", "tree"]).openapi({
          description: "`tree`: the grant holds in all sessions of the session's tree.",
        }),
        granted_at: z.int().openapi({ description: "Seconds since the Unix epoch." }),
      }),
    ),
  })
  .openapi("Grants", {
    example: {
      grants: [
        { tool_name: "shell", server: null, qualifier: "git", scope: "session", granted_at: 1_790_000_000 },
      ],
    },
  })
