import type { ContentPart } from "../../../core/history/messages.ts"
import type { ToolResult, ToolResultMarks } from "../../../core/ports/tools/tool.ts"
import type { Question } from "../../../core/question.ts"
import type { WireContentBlock, WireToolError } from "../schemas/content.ts"
import type { WireQuestion } from "../schemas/question.ts"

/** The forms of core values that clients see, in history and in events alike. */

export function toWireContent(part: ContentPart): WireContentBlock {
  if (part.type === "text") return { type: "text", text: part.text }
  const { source } = part
  if (source.type === "url") return { type: "image", source: { type: "url", url: source.url } }
  return {
    type: "image",
    source: { type: "base64", media_type: source.mediaType, data: source.data },
  }
}

export interface WireToolOutcome {
  readonly result: unknown
  readonly error: WireToolError
  readonly is_error?: true
  readonly warning?: string
}

/** Returns the outcome for clients. Either `result` or `error` is null. Both are null if a tool returned null. */
export function toWireToolOutcome(result: ToolResult): WireToolOutcome {
  switch (result.type) {
    case "json":
      return { result: result.value, error: null, ...toWireMarks(result) }
    case "content":
      return { result: { content: result.content.map(toWireContent) }, error: null, ...toWireMarks(result) }
    case "error": {
      const { code, subCode, message } = result
      return { result: null, error: { code, ...(subCode !== undefined && { sub_code: subCode }), message } }
    }
    default:
      return result satisfies never
  }
}

function toWireMarks({ isError, warning }: ToolResultMarks): Pick<WireToolOutcome, "is_error" | "warning"> {
  return { ...(isError === true && { is_error: true }), ...(warning !== undefined && { warning }) }
}

export function toWireQuestion(question: Question): Omit<WireQuestion, "server"> {
  const { mode, message } = question
  return mode === "form" ? { mode, message, schema: question.schema } : { mode, message, url: question.url }
}

/** Rounds down, so that a time that a client receives is never after the actual one. */
export function toUnixSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
