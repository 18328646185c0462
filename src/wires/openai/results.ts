import { isJsonObject, type Json } from "../../core/json/json.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"

/** Returns a result that a client sent as a text. A text with a JSON object or list is that value. */
export function readResult(text: string): ToolResult {
  try {
    const value: Json = JSON.parse(text)
    if (isJsonObject(value) || Array.isArray(value)) return { type: "json", value }
  } catch {
    // It is a plain text.
  }
  return { type: "json", value: text }
}
