import type { JsonObject } from "../../json/json.ts"
import type { Validation } from "./tool.ts"

/**
 * Checks a value against a JSON Schema. Either may come from an untrusted source, so a check never blocks the event
 * loop and is bounded in CPU time and memory. If a check exceeds these bounds, the value counts as invalid. Rejects
 * with an `UnusableSchemaError` if the schema cannot be used, and with the signal's reason if the signal aborts.
 */
export type SchemaCheck = (
  schema: JsonObject,
  value: unknown,
  options: SchemaCheckOptions,
) => Promise<Validation>

export interface SchemaCheckOptions {
  /** The origin of the schema, such as an MCP server. If checks have to wait, sources take turns. */
  readonly source: string
  /** The session that needs the check. Within a source, sessions take turns. */
  readonly sessionId: string
  readonly signal?: AbortSignal
}
