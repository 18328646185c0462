import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"

/** Returns the value with the defaults of the schema for missing properties, at any depth. */
export function addSchemaDefaults(schema: JsonObject, value: JsonObject): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const filled = { ...value }
  for (const [name, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) continue
    const propertyValue = Object.hasOwn(filled, name) ? filled[name] : property.default
    if (propertyValue === undefined) continue
    filled[name] = isJsonObject(propertyValue) ? addSchemaDefaults(property, propertyValue) : propertyValue
  }
  return filled
}
