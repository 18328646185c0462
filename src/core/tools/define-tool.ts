import type { JsonObject } from "../json/json.ts"
import type { Tool, ToolContext, ToolOutcome, ToolResult } from "../ports/tools/tool.ts"

interface Definition extends Omit<Tool, "inputSchema" | "validate" | "execute"> {
  /** Properties of the input, as JSON Schemas. */
  readonly properties: Readonly<Record<string, JsonObject>>
  readonly required: readonly string[]
  /** Receives an input that fits the properties. */
  execute(input: JsonObject, context: ToolContext): Promise<ToolOutcome>
}

/** Creates a tool of a plugin, whose input is an object with these properties. */
export function defineTool({ properties, required, execute, ...definition }: Definition): Tool {
  const inputSchema = { type: "object", properties, required, additionalProperties: false } as const
  return {
    ...definition,
    inputSchema,
    validate: (input, { checkSchema, session, signal }) =>
      checkSchema(inputSchema, input, { owner: session, signal }),
    execute: (input, context) => execute(input as JsonObject, context),
  }
}

/** Returns a result of type `error`. The message is for the model and ends with its next step. */
export function createFailure(code: string, message: string): ToolResult {
  return { type: "error", code, message }
}
