import type { JsonObject } from "../../core/json/json.ts"
import type { Tool, ToolContext, ToolResult } from "../../core/ports/tool.ts"

interface Definition extends Omit<Tool, "inputSchema" | "validate" | "execute"> {
  /** Properties of the input, as JSON Schemas. */
  readonly properties: Readonly<Record<string, JsonObject>>
  readonly required: readonly string[]
  /** Receives an input that fits the properties. */
  execute(input: JsonObject, context: ToolContext): Promise<ToolResult>
}

/** Makes a tool of the skills. A result of type `error` is for the model and says what to do next. */
export function defineTool({ properties, required, execute, ...definition }: Definition): Tool {
  const inputSchema = { type: "object", properties, required, additionalProperties: false } as const
  return {
    ...definition,
    inputSchema,
    validate: (input, { checkSchema, sessionId, signal }) =>
      checkSchema(inputSchema, input, { source: "skills", sessionId, signal }),
    execute: (input, context) => execute(input as JsonObject, context),
  }
}

export function failure(code: string, message: string): ToolResult {
  return { type: "error", code, message }
}
