import type { Message } from "../../core/history/messages.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"

/** Maximum bytes of each result. They are tried in order until the request fits. */
const ladder = [20_000, 4_000, 1_000, 200]
/** Bytes by which the note about the truncation may lengthen a result. */
const noteBytes = 200

/** Returns the next maximum bytes of tool results. Null if it would shorten none of them. */
export function chooseNextLength(messages: readonly Message[]): number | null {
  const longest = Math.max(0, ...messages.flatMap(listLengths))
  return ladder.find((bytes) => bytes + noteBytes < longest) ?? null
}

function listLengths(message: Message): number[] {
  return message.role === "tool" ? message.results.map(({ result }) => computeLength(result)) : []
}

function computeLength(result: ToolResult): number {
  switch (result.type) {
    case "json":
      return JSON.stringify(result.value).length
    case "content":
      return result.content.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0)
    case "error":
      return result.message.length
    default:
      return result satisfies never
  }
}
