import type { Anthropic } from "@anthropic-ai/sdk"
import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"

/**
 * Maximum number of optional properties. The API allows 24, but may fail to compile a grammar in time: from 13 on, on
 * Vertex AI from 11.
 */
const mostOptionalProperties = 10

/**
 * Returns the format that makes responses match the schema
 * (https://platform.claude.com/docs/en/build-with-claude/structured-outputs), as the SDK renders it. The SDK moves
 * rules that a grammar cannot express, such as a number's range, into the descriptions. Returns null if the API would
 * refuse the schema, or could not produce its values: it closes every object, so that a map could only be `{}`. The
 * prompt must then be enough.
 */
export async function createOutputFormat(schema: JsonObject): Promise<Anthropic.JSONOutputFormat | null> {
  const fits = schema.type === "object" && isExpressible(schema)
  if (!fits || countOptionalProperties(schema) > mostOptionalProperties) return null
  const { transformJSONSchema } = await import("@anthropic-ai/sdk/lib/transform-json-schema")
  return { type: "json_schema", schema: transformJSONSchema(schema) }
}

function isExpressible(schema: Json): boolean {
  if (!isJsonObject(schema)) return false
  // A reference may be recursive, and closed objects cannot be combined with `allOf`.
  if (["$ref", "allOf", "patternProperties"].some((keyword) => keyword in schema)) return false
  if ((schema.additionalProperties ?? false) !== false) return false
  return isTyped(schema) && listSubschemas(schema).every(isExpressible)
}

/** Returns true if exactly one keyword that the SDK's rendering understands defines the type. */
function isTyped({ type, properties, items, anyOf, oneOf, ...schema }: JsonObject): boolean {
  if (anyOf !== undefined || oneOf !== undefined) return type === undefined
  if (type === "object") return isJsonObject(properties)
  if (type === "array") return items !== undefined
  if (Array.isArray(type)) return !type.includes("object") && !type.includes("array")
  return type !== undefined || schema.enum !== undefined || schema.const !== undefined
}

function countOptionalProperties(schema: Json): number {
  if (!isJsonObject(schema)) return 0
  const { properties = {}, required } = schema
  const needed = Array.isArray(required) ? required : []
  const own = Object.keys(properties ?? {}).filter((name) => !needed.includes(name)).length
  return listSubschemas(schema).reduce<number>((sum, part) => sum + countOptionalProperties(part), own)
}

function listSubschemas({ properties, items, anyOf, oneOf }: JsonObject): readonly Json[] {
  const lists = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []))
  return [
    ...(isJsonObject(properties) ? Object.values(properties) : []),
    ...(items === undefined ? [] : [items]),
    ...lists,
  ]
}
