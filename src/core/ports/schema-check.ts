import type { JsonObject } from "../json/json.ts"
import type { Validation } from "./tool.ts"

/**
 * Checks a value against a JSON Schema. Either may come from an untrusted source, so a check never blocks the event
 * loop and is bounded in CPU time and memory. A value whose check exceeds these bounds is not valid. Rejects with an
 * `UnusableSchemaError` for a schema that cannot be used, and with the signal's reason when the signal aborts.
 */
export type SchemaCheck = (
  schema: JsonObject,
  value: unknown,
  options: SchemaCheckOptions,
) => Promise<Validation>

export interface SchemaCheckOptions {
  /** The origin of the schema, such as an MCP server. When checks have to wait, sources take turns. */
  readonly source: string
  /** The session that needs the check. Within a source, sessions take turns. */
  readonly sessionId: string
  readonly signal?: AbortSignal
}
