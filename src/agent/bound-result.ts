import type { ContentPart } from "../core/messages.ts"
import type { ToolResult } from "../core/ports/tool.ts"

/** Base64 characters of all images of one result: what the strictest of the model services takes. */
const maxImageCharacters = 5 * 1024 * 1024

/** Cuts a result that is too large for a model, and says so in it. `maxBytes` counts UTF-8 bytes of its text. */
export function boundResult(result: ToolResult, maxBytes: number): ToolResult {
  switch (result.type) {
    case "json": {
      const text = JSON.stringify(result.value)
      if (byteLength(text) <= maxBytes) return result
      return { type: "content", content: [{ type: "text", text: cut(text, maxBytes) }] }
    }
    case "content":
      return { type: "content", content: boundParts(result.content, maxBytes) }
    case "error":
      return { ...result, message: cut(result.message, maxBytes) }
    default:
      return result satisfies never
  }
}

function boundParts(parts: readonly ContentPart[], maxBytes: number): ContentPart[] {
  let bytesLeft = maxBytes
  let imageCharactersLeft = maxImageCharacters
  return parts.map((part) => {
    if (part.type === "text") {
      const bounded = cut(part.text, Math.max(bytesLeft, 0))
      bytesLeft -= byteLength(bounded)
      return { ...part, text: bounded }
    }
    imageCharactersLeft -= part.source.type === "base64" ? part.source.data.length : 0
    if (imageCharactersLeft >= 0) return part
    return { type: "text", text: "[An image was left out: the result's images are too large.]" }
  })
}

function cut(text: string, maxBytes: number): string {
  const bytes = byteLength(text)
  if (bytes <= maxBytes) return text
  const kept = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, maxBytes), {
    stream: true,
  })
  return `${kept}\n[The result was cut: ${maxBytes} of ${bytes} bytes are shown.]`
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
