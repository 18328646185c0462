import { isLongerAsJson } from "../../core/json/json.ts"
import { pieceCharacters, toJsonPieces } from "../../core/json/json-pieces.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"

/** Maximum number of parts of one result for a model. */
const maxParts = 500

/**
 * Returns true if the text of a result has more than `maxBytes` bytes, or if the result has too many parts for a
 * model.
 */
export function isLarge(result: ToolResult, maxBytes: number): boolean {
  switch (result.type) {
    case "json":
      return (
        isLongerAsJson(result.value, maxBytes) || Buffer.byteLength(JSON.stringify(result.value)) > maxBytes
      )
    case "content": {
      if (result.content.length > maxParts) return true
      const bytes = result.content.reduce((sum, part) => sum + countBytes(part), 0)
      return bytes > maxBytes
    }
    case "error":
      return Buffer.byteLength(result.message) > maxBytes
    default:
      return result satisfies never
  }
}

/** Yields the text of a result in pieces: its JSON, or its text parts, each on its own line. */
export function* toTextPieces(result: ToolResult): Generator<string> {
  switch (result.type) {
    case "json":
      yield* toJsonPieces(result.value)
      return
    case "content": {
      let text = ""
      for (const [index, part] of result.content.filter(({ type }) => type === "text").entries()) {
        if (part.type !== "text") continue
        text += index === 0 ? part.text : `\n${part.text}`
        if (text.length < pieceCharacters) continue
        yield* splitIntoSlices(text)
        text = ""
      }
      yield* splitIntoSlices(text)
      return
    }
    case "error":
      yield* splitIntoSlices(result.message)
      return
    default:
      result satisfies never
  }
}

/** Keeps both halves of a surrogate pair in one piece. */
function* splitIntoSlices(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = Math.min(start + pieceCharacters, text.length)
    const splitsPair = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))
    const stop = splitsPair ? end + 1 : end
    yield text.slice(start, stop)
    start = stop
  }
}

function countBytes(part: { readonly type: string; readonly text?: string }): number {
  return part.type === "text" ? Buffer.byteLength(part.text ?? "") : 0
}
