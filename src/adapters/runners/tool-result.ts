import { joinTexts as textOfParts } from "../../core/history/messages.ts"
import { isJsonObject, type Json } from "../../core/json/json.ts"
import type { ToolResult, ToolResultMarks } from "../../core/ports/tools/tool.ts"
import { toJsonValue } from "./fields.ts"

/**
 * Returns the result of a framework's tool. A text with JSON is parsed, because most frameworks write results as
 * text.
 */
export function toToolResult(output: unknown): ToolResult {
  return { type: "json", value: typeof output === "string" ? parseText(output) : toJsonValue(output) }
}

/** Returns a result as one text, for frameworks that support only text. */
export function formatResult(result: ToolResult): string {
  switch (result.type) {
    case "json":
      return `${formatNotes(result)}${typeof result.value === "string" ? result.value : JSON.stringify(result.value)}`
    case "content":
      return `${formatNotes(result)}${textOfParts(result.content)}`
    case "error":
      return `Error (${result.code}${result.subCode === undefined ? "" : `, ${result.subCode}`}): ${result.message}`
    default:
      return result satisfies never
  }
}

function formatNotes({ isError, warning }: ToolResultMarks): string {
  const failed = isError === true ? "Error: The tool reports that it failed. Its result follows.\n" : ""
  return warning === undefined ? failed : `${failed}Warning: ${warning}\n`
}

/** Parses only structures. A text that happens to be a number remains a text. */
function parseText(text: string): Json {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    const value = JSON.parse(text) as Json
    return isJsonObject(value) || Array.isArray(value) ? value : text
  } catch {
    return text
  }
}
