import { z } from "@hono/zod-openapi"

export const toolServer = z
  .string()
  .nullable()
  .openapi({ description: "The MCP server behind the tool; null for a local tool." })

/** What a tool asks the user, in the event as in the history. */
export const questionShape = {
  server: toolServer,
  mode: z.enum(["form", "url"]),
  message: z.string(),
  schema: z
    .record(z.string(), z.unknown())
    .optional()
    .openapi({ description: "Of a form: JSON Schema of what is to be filled in." }),
  url: z.string().optional().openapi({ description: "Of mode `url`: the page for the user to open." }),
}

export type WireQuestion = z.input<z.ZodObject<typeof questionShape>>
