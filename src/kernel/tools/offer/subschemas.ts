import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"

const single = [
  "items",
  "additionalItems",
  "additionalProperties",
  "unevaluatedItems",
  "unevaluatedProperties",
  "contains",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
] as const
const lists = ["allOf", "anyOf", "oneOf", "prefixItems", "items"] as const
const maps = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"] as const

/** Returns the schema with each schema directly inside it replaced by the result of `change`. */
export function mapSubschemas(schema: JsonObject, change: (inner: JsonObject) => JsonObject): JsonObject {
  const changed: Record<string, Json> = { ...schema }
  const apply = (value: Json): Json => (isJsonObject(value) ? change(value) : value)
  for (const keyword of single) {
    const value = schema[keyword]
    if (isJsonObject(value)) changed[keyword] = change(value)
  }
  for (const keyword of lists) {
    const value = schema[keyword]
    if (Array.isArray(value)) changed[keyword] = value.map(apply)
  }
  for (const keyword of maps) {
    const value = schema[keyword]
    if (isJsonObject(value))
      changed[keyword] = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, apply(inner)]))
  }
  return changed
}
