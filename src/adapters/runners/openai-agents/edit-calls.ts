import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"

/**
 * Edits the arguments of these calls in a serialized `RunState`, wherever it has them, so that the model sees the
 * executed arguments. `missing` are calls that are not found there, because another agent uses their agent as its
 * tool.
 */
export function editCalls(
  state: Json,
  edits: ReadonlyMap<string, JsonObject>,
): { readonly state: Json; readonly missing: ReadonlySet<string> } {
  const missing = new Set(edits.keys())
  const edit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(edit)
    if (!isJsonObject(value)) return value
    const copy = Object.fromEntries(Object.entries(value).map(([key, field]) => [key, edit(field)]))
    const input = typeof value.callId === "string" ? edits.get(value.callId) : undefined
    if (input === undefined || value.type !== "function_call") return copy
    missing.delete(String(value.callId))
    return { ...copy, arguments: JSON.stringify(input) }
  }
  return { state: edits.size === 0 ? state : edit(state), missing }
}
