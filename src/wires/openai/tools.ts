import { z } from "@hono/zod-openapi"
import { isJsonObject, type Json, type JsonObject, nestsTooDeep } from "../../core/json/json.ts"
import type { ToolSpecification } from "../../core/ports/model/provider.ts"
import { isLongerThan } from "../../http/schemas/parts/json-length.ts"

/** Maximum number of tools of one request. */
const maxTools = 32
/** Maximum characters of all tools, or of one schema, as JSON. They are stored with the run. */
const maxCharacters = 65_536
/** Maximum nesting of arrays and objects. */
const maxSchemaDepth = 20

/** A JSON Schema of a client, within bounds. */
export const jsonSchema = z
  .custom<JsonObject>(isJsonObject, "Invalid input: expected object")
  .refine(
    (schema) => !isLongerThan(maxCharacters, schema),
    `Too big: expected at most ${maxCharacters} characters`,
  )
  .refine(
    (schema) => !nestsTooDeep(schema, maxSchemaDepth),
    `Too deep: expected at most ${maxSchemaDepth} levels`,
  )

export const functionType = z.literal(
  "function",
  "Only function tools are supported. The agent has its own tools.",
)

export const functionMembers = {
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  description: z.string().max(4_096).nullish(),
  parameters: jsonSchema.nullish(),
}

/** Returns the schema of a list of tools. */
export function listOfTools<Tool extends z.ZodType>(tool: Tool) {
  return z
    .array(tool)
    .max(maxTools)
    .refine(
      (tools) => !isLongerThan(maxCharacters, tools as Json[]),
      `Too big: expected at most ${maxCharacters} characters`,
    )
}

interface GivenFunction {
  readonly name: string
  readonly description?: string | null | undefined
  readonly parameters?: JsonObject | null | undefined
}

/** Returns a function that the client declares and executes. */
export function toClientTool({ name, description, parameters }: GivenFunction): ToolSpecification {
  // A provider requires a description, and a schema of an object.
  return { name, description: description || name, inputSchema: { ...parameters, type: "object" } }
}
