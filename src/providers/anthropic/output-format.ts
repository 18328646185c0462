import type { Anthropic } from "@anthropic-ai/sdk"
import { isJsonObject, type Json, type JsonObject } from "../../core/json/json.ts"

/** The API allows 24, but can fail to make a grammar of them in time: from 13 on, on Vertex AI from 11. */
const mostOptionalProperties = 10

/**
 * The format that holds an answer to the schema
 * (https://platform.claude.com/docs/en/build-with-claude/structured-outputs), in the SDK's rendering, which moves
 * what a grammar cannot say, such as a number's range, into the descriptions. Null for a schema that the API would
 * refuse or empty of its answers: it closes every object, so that a map could only be `{}`. The prompt has to do for
 * those.
 */
export async function outputFormat(schema: JsonObject): Promise<Anthropic.JSONOutputFormat | null> {
  const fits = schema.type === "object" && isExpressible(schema)
  if (!fits || optionalProperties(schema) > mostOptionalProperties) return null
  const { transformJSONSchema } = await import("@anthropic-ai/sdk/lib/transform-json-schema")
  return { type: "json_schema", schema: transformJSONSchema(schema) }
}

function isExpressible(schema: Json): boolean {
  if (!isJsonObject(schema)) return false
  // A reference may be recursive, and closed objects have nothing in common that `allOf` could ask for.
  if (["$ref", "allOf", "patternProperties"].some((keyword) => keyword in schema)) return false
  if ((schema.additionalProperties ?? false) !== false) return false
  return isTyped(schema) && subschemas(schema).every(isExpressible)
}

/** By exactly one thing that the SDK's rendering understands. */
function isTyped({ type, properties, items, anyOf, oneOf, ...schema }: JsonObject): boolean {
  if (anyOf !== undefined || oneOf !== undefined) return type === undefined
  if (type === "object") return isJsonObject(properties)
  if (type === "array") return items !== undefined
  if (Array.isArray(type)) return !type.includes("object") && !type.includes("array")
  return type !== undefined || schema.enum !== undefined || schema.const !== undefined
}

function optionalProperties(schema: Json): number {
  if (!isJsonObject(schema)) return 0
  const { properties = {}, required } = schema
  const needed = Array.isArray(required) ? required : []
  const own = Object.keys(properties ?? {}).filter((name) => !needed.includes(name)).length
  return subschemas(schema).reduce<number>((sum, part) => sum + optionalProperties(part), own)
}

function subschemas({ properties, items, anyOf, oneOf }: JsonObject): readonly Json[] {
  const lists = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []))
  return [
    ...(isJsonObject(properties) ? Object.values(properties) : []),
    ...(items === undefined ? [] : [items]),
    ...lists,
  ]
}
