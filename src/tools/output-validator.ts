import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import type { Json, JsonObject } from "../core/json.ts"
import type { Validation } from "../core/ports/tool.ts"
import { createRecentCache } from "../core/recent-cache.ts"

const maxCompiled = 100

/** Checks answers by JSON Schema, each compiled once while it is in use. Rejects for a schema that is none. */
export function createOutputValidator(): (schema: JsonObject, value: Json) => Promise<Validation> {
  const compiled = createRecentCache<ReturnType<AjvJsonSchemaValidator["getValidator"]>>(maxCompiled)
  return async (schema, value) => {
    // A validator of its own: a shared one would mix up two schemas of the same `$id`.
    const check = compiled(JSON.stringify(schema), () => new AjvJsonSchemaValidator().getValidator(schema))
    const result = check(value)
    return result.valid ? { valid: true, input: value } : { valid: false, message: result.errorMessage }
  }
}
