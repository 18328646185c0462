import type { JsonObject } from "../json.ts"
import type { Validation } from "./tool.ts"

/**
 * Whether a value fits a JSON Schema. Anybody may have written either: it takes a bounded time, and a value whose check
 * would take longer is not valid. Throws for a schema that cannot be used.
 */
export type SchemaCheck = (schema: JsonObject, value: unknown) => Validation
