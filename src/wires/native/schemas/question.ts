import { z } from "@hono/zod-openapi"

export const toolServer = z
  .string()
  .nullable()
  .openapi({ description: "The MCP server behind the tool; null for a local tool." })

/** A tool's question to the user, for events and for the history. */
export const questionShape = {
  server: toolServer,
  mode: z.enum(["form", "url"]),
  message: z.string(),
  schema: z
    .record(z.string(), z.unknown())
    .optional()
    .openapi({ description: "JSON Schema of a form's values." }),
  url: z.string().optional().openapi({ description: "The page for the user to open, in mode `url`." }),
}

export type WireQuestion = z.input<z.ZodObject<typeof questionShape>>
