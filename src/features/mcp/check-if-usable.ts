import { UnusableSchemaError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { SchemaCheck, SchemaCheckOptions } from "../../core/ports/tools/schema-check.ts"
import type { Validation } from "../../core/ports/tools/tool.ts"

/** Checks a value against a server's schema. If the schema cannot be used, the check is left to the server. */
export async function checkIfUsable(
  checkSchema: SchemaCheck,
  schema: JsonObject,
  value: unknown,
  options: SchemaCheckOptions,
): Promise<Validation> {
  try {
    return await checkSchema(schema, value, options)
  } catch (thrown) {
    if (!(thrown instanceof UnusableSchemaError)) throw thrown
    return { valid: true, input: value }
  }
}
