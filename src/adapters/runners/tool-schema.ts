import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import { readFields, toJsonValue } from "./fields.ts"

/**
 * Returns the JSON Schema of a tool's schema object: its own, or the one of https://standardschema.dev/json-schema.
 */
export function toJsonSchema(schema: unknown): JsonObject | undefined {
  const own = readFields(schema).jsonSchema ?? convertStandardSchema(schema)
  const json = own === undefined ? null : toJsonValue(own)
  return isJsonObject(json) && Object.keys(json).length > 0 ? json : undefined
}

function convertStandardSchema(schema: unknown): unknown {
  const { input } = readFields(readFields(readFields(schema)["~standard"]).jsonSchema)
  return typeof input === "function" ? input({ target: "draft-2020-12" }) : undefined
}
