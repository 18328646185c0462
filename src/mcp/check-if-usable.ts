import type { JsonObject } from "../core/json.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import type { Validation } from "../core/ports/tool.ts"

/** What a server's schema says of a value. With one that cannot be used, the check is left to the server. */
export function checkIfUsable(checkSchema: SchemaCheck, schema: JsonObject, value: unknown): Validation {
  try {
    return checkSchema(schema, value)
  } catch {
    return { valid: true, input: value }
  }
}
