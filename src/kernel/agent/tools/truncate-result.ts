import type { ContentPart, ImagePart } from "../../../core/history/messages.ts"
import { formatJsonStart, isLongerAsJson } from "../../../core/json/json.ts"
import type { ToolResult, ToolResultMarks } from "../../../core/ports/tools/tool.ts"
import { selectMarks } from "../../../core/tools/tool-result.ts"

/** Maximum base64 characters of all images of one result: the limit of the strictest provider. */
const maxImageCharacters = 5 * 1024 * 1024
const maxImages = 20
const maxUrlCharacters = 8_192
/** Maximum characters of JSON that are written to measure a value. */
const maxWrittenCharacters = 1024 * 1024
/** Maximum UTF-8 bytes of a result's warning. */
const maxWarningBytes = 4_096
/** Maximum number of parts of one result, whatever their size, because each part costs some tokens. */
const maxParts = 500

/**
 * Truncates a result that is too large for a model, and adds a note to it. `maxBytes` counts UTF-8 bytes of its text.
 */
export function truncateResult(result: ToolResult, maxBytes: number): ToolResult {
  switch (result.type) {
    case "json": {
      const text = truncateJson(result.value, maxBytes)
      const marks = boundMarks(result)
      return text === null
        ? { ...result, ...marks }
        : { type: "content", content: [{ type: "text", text }], ...marks }
    }
    case "content":
      return { type: "content", content: boundParts(result.content, maxBytes), ...boundMarks(result) }
    case "error":
      return { ...result, message: cut(result.message, maxBytes) }
    default:
      return result satisfies never
  }
}

function boundMarks(result: ToolResult): ToolResultMarks {
  const marks = selectMarks(result)
  return marks.warning === undefined ? marks : { ...marks, warning: cut(marks.warning, maxWarningBytes) }
}

/**
 * Returns the truncated JSON of the value. Null if it is short enough. Does not write a very large value as a whole.
 */
function truncateJson(value: unknown, maxBytes: number): string | null {
  if (isLongerAsJson(value, Math.max(maxBytes, maxWrittenCharacters))) {
    const start = truncateText(formatJsonStart(value, maxBytes), maxBytes)
    return `${start}\n[The result was truncated: its first ${countBytes(start)} bytes are shown.]`
  }
  const text = JSON.stringify(value)
  return countBytes(text) <= maxBytes ? null : cut(text, maxBytes)
}

function boundParts(parts: readonly ContentPart[], maxBytes: number): ContentPart[] {
  const kept: ContentPart[] = []
  const images = createImageBudget()
  let bytesLeft = maxBytes
  for (const part of parts) {
    if (kept.length === maxParts) break
    if (part.type === "image") {
      if (images.take(part)) kept.push(part)
    } else if (bytesLeft > 0 || part.text === "") {
      const text = cut(part.text, bytesLeft)
      bytesLeft -= countBytes(part.text)
      kept.push({ ...part, text })
    }
  }
  const missing = parts.length - kept.length
  if (missing > 0) kept.push({ type: "text", text: `[${formatPartCount(missing)} left out of the result.]` })
  return kept
}

function formatPartCount(count: number): string {
  return count === 1 ? "1 more part was" : `${count} more parts were`
}

function createImageBudget() {
  let imagesLeft = maxImages
  let charactersLeft = maxImageCharacters
  return {
    /** Returns true if there is room for the image. */
    take({ source }: ImagePart): boolean {
      if (source.type === "url" && source.url.length > maxUrlCharacters) return false
      const characters = source.type === "base64" ? source.data.length : 0
      if (imagesLeft === 0 || characters > charactersLeft) return false
      imagesLeft -= 1
      charactersLeft -= characters
      return true
    },
  }
}

function cut(text: string, maxBytes: number): string {
  const bytes = countBytes(text)
  if (bytes <= maxBytes) return text
  return `${truncateText(text, maxBytes)}\n[The result was truncated: ${maxBytes} of ${bytes} bytes are shown.]`
}

/** Returns as many whole characters as fit. */
function truncateText(text: string, maxBytes: number): string {
  const start = new TextEncoder().encode(text.slice(0, maxBytes)).subarray(0, maxBytes)
  return new TextDecoder().decode(start, { stream: true })
}

function countBytes(text: string): number {
  return Buffer.byteLength(text)
}
