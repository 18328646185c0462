import type { ContentPart } from "../../../core/history/messages.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"

/**
 * Returns the result of a successful call as content for a model, after its warning. With `hasErrorMark`, the service
 * can mark a result as an error. Otherwise the text says so.
 */
export function toModelContent(
  result: Exclude<ToolResult, { type: "error" }>,
  { hasErrorMark }: { readonly hasErrorMark: boolean },
): readonly ContentPart[] {
  const notes = formatNotes(result, hasErrorMark)
  if (result.type === "content") {
    return notes === "" ? result.content : [{ type: "text", text: notes }, ...result.content]
  }
  const text = typeof result.value === "string" ? result.value : JSON.stringify(result.value)
  return [{ type: "text", text: notes === "" ? text : `${notes}\n${text}` }]
}

function formatNotes({ isError, warning }: Exclude<ToolResult, { type: "error" }>, hasErrorMark: boolean) {
  const notes = []
  if (isError === true && !hasErrorMark)
    notes.push("Error: The tool reports that it failed. Its result follows.")
  if (warning !== undefined) notes.push(`Warning: ${warning}`)
  return notes.join("\n")
}
