import { isJsonObject, type JsonObject } from "../../core/json/json.ts"

/** The value with the defaults of the schema's properties, at any depth, for those that it leaves out. */
export function withDefaults(schema: JsonObject, value: JsonObject): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const filled = { ...value }
  for (const [name, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) continue
    const given = Object.hasOwn(filled, name) ? filled[name] : property.default
    if (given === undefined) continue
    filled[name] = isJsonObject(given) ? withDefaults(property, given) : given
  }
  return filled
}
