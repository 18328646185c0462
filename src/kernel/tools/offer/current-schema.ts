import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"
import { mapSubschemas } from "./subschemas.ts"

/**
 * Converts a schema into the forms of JSON Schema 2020-12, by which providers check it. Converts tuples of `items`,
 * boolean `exclusiveMinimum` and `exclusiveMaximum`, and drops invalid keywords: `required` that is not a list,
 * `properties` that is not an object.
 *
 * @param itemsRequired If true, an array without `items` gets an empty schema for them, which allows any item.
 */
export function toCurrentSchema(schema: JsonObject, itemsRequired: boolean): JsonObject {
  const current: Record<string, Json> = { ...schema }
  if (Array.isArray(current.items)) {
    current.prefixItems = current.items
    current.items = current.additionalItems ?? {}
    delete current.additionalItems
  }
  convertLimit(current, "minimum", "exclusiveMinimum")
  convertLimit(current, "maximum", "exclusiveMaximum")
  if ("required" in current && !Array.isArray(current.required)) delete current.required
  if ("properties" in current && !isJsonObject(current.properties)) delete current.properties
  if (itemsRequired && isArray(current.type) && !isJsonObject(current.items)) current.items = {}
  return mapSubschemas(current, (inner) => toCurrentSchema(inner, itemsRequired))
}

/** Converts a limit. Draft 4 has a flag beside the limit, and later drafts have the limit itself. */
function convertLimit(schema: Record<string, Json>, limit: string, exclusive: string): void {
  if (typeof schema[exclusive] !== "boolean") return
  const value = schema[limit]
  const isExclusive = schema[exclusive] && value !== undefined
  delete schema[exclusive]
  if (!isExclusive) return
  schema[exclusive] = value
  delete schema[limit]
}

function isArray(type: Json | undefined): boolean {
  return type === "array" || (Array.isArray(type) && type.includes("array"))
}
