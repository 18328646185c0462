import { z } from "@hono/zod-openapi"
import { isJsonObject, type JsonObject, nestsTooDeep } from "../../../core/json/json.ts"
import { isLongerThan } from "./json-length.ts"
import { listOf } from "./list.ts"
import { printableText } from "./printable.ts"

/** Maximum number of tools of one message. */
const maxTools = 32
const maxDescriptionCharacters = 4_096
/** Maximum characters of one schema as JSON. */
const maxSchemaCharacters = 16_384
/**
 * Maximum characters of all tools of a message as JSON. They are stored with the run, and sent with each model call.
 */
const maxCharacters = 65_536
/** Maximum nesting of arrays and objects. */
const maxSchemaDepth = 20

const inputSchema = z
  .custom<JsonObject>(isJsonObject, "Invalid input: expected object")
  .refine((schema) => schema.type === "object", "Invalid input: expected a JSON Schema of the type object")
  .refine((schema) => !isLongerThan(maxSchemaCharacters, schema), {
    message: `Too big: expected at most ${maxSchemaCharacters} characters of JSON`,
  })
  .refine((schema) => !nestsTooDeep(schema, maxSchemaDepth), {
    message: `Too deep: expected at most ${maxSchemaDepth} levels`,
  })
  .openapi({
    type: "object",
    additionalProperties: true,
    properties: { type: { type: "string", enum: ["object"] } },
    required: ["type"],
    description: "JSON Schema 2020-12 of the input.",
  })

const clientToolSchema = z
  .object({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    description: printableText(maxDescriptionCharacters).min(1),
    input_schema: inputSchema,
  })
  .openapi("ClientTool")

/** Tools that a client declares with its message. */
export const clientToolsSchema = listOf(clientToolSchema)
  .refine((tools) => tools.length <= maxTools, `Too big: expected at most ${maxTools} tools`)
  .refine((tools) => !isLongerThan(maxCharacters, tools), {
    message: `Too big: expected at most ${maxCharacters} characters of JSON`,
  })
