import type { JsonObject } from "../../json/json.ts"
import type { Principal } from "../store/session-log.ts"
import type { Validation } from "./tool.ts"

/**
 * Checks a value against a JSON Schema. Either may come from an untrusted source, so a check never blocks the event
 * loop and is bounded in CPU time and memory. If a check exceeds these bounds, the value counts as invalid. Rejects
 * with an `UnusableSchemaError` if the schema cannot be used, with an `OverloadedError` if too many checks wait, and
 * with the signal's reason if the signal aborts.
 */
export type SchemaCheck = (
  schema: JsonObject,
  value: unknown,
  options: SchemaCheckOptions,
) => Promise<Validation>

export interface SchemaCheckOptions {
  /** The user that needs the check. If checks have to wait, tenants take turns, and so do the users of a tenant. */
  readonly owner: Principal
  readonly signal?: AbortSignal
}
