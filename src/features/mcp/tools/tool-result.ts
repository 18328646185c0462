import type { CallToolResult, ContentBlock, ResourceContents } from "@modelcontextprotocol/client"
import { type ContentPart, joinTexts } from "../../../core/history/messages.ts"
import { formatJsonStart, isLongerAsJson, type Json } from "../../../core/json/json.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { deepestLevel, isTooDeep } from "../nesting.ts"
import { classifyRepetition } from "./structured-content.ts"

/** The types of images that every provider accepts. */
const imageTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"])

/** Maximum number of blocks that become parts of their own. The texts of further blocks are joined. */
const maxBlocks = 1_000
/** Maximum bytes of the joined texts, in UTF-8. */
const maxJoinedBytes = 32 * 1024 * 1024
/**
 * Maximum characters as JSON. It is far more than a model receives of a result, and can be compared within a few
 * milliseconds.
 */
const maxStructuredCharacters = 256 * 1024

/** Matches numbers in a JSON text that may lose digits when the text is parsed. */
const preciseNumber = /\d{16}|\d[eE][+-]?\d{3}/

/**
 * Converts a call's result for the model. Text and common images are passed on. A text that is JSON becomes its value,
 * so that clients need not parse it. Other content, such as audio, is replaced by a note with its type and size. If
 * other content repeats the structured content, the model receives it once.
 */
export function toToolResult({ content, structuredContent, isError }: CallToolResult): ToolResult {
  const parts = toContentParts(content, toPart)
  if (isError === true) {
    const message = parts.map((part) => joinTexts([part])).join("\n")
    return {
      type: "error",
      code: "mcp_tool_error",
      message: message || "The tool failed without an error message.",
    }
  }
  if (structuredContent === undefined) return parseOnlyText(content) ?? { type: "content", content: parts }
  // The SDK has parsed it from JSON.
  const value = structuredContent as Json
  if (isLongerAsJson(value, maxStructuredCharacters)) return dropStructured(parts, value)
  if (isTooDeep(value)) {
    const message = `The tool's result nests deeper than ${deepestLevel} levels.`
    return { type: "error", code: "mcp_tool_error", message }
  }
  if (content.length === 0) return { type: "json", value }
  const repetition = classifyRepetition(content, value)
  switch (repetition.type) {
    case "json":
      return repetition
    case "wrapped":
      return { type: "content", content: parts }
    case "none":
      return { type: "content", content: [...parts, createText(JSON.stringify(value))] }
    default:
      return repetition satisfies never
  }
}

/** Returns the value of a result that is one JSON text. Null for another result. */
function parseOnlyText(content: readonly ContentBlock[]): ToolResult | null {
  const [block] = content
  if (content.length !== 1 || block?.type !== "text") return null
  const { text } = block
  if (text.length > maxStructuredCharacters || preciseNumber.test(text)) return null
  try {
    const value = JSON.parse(text) as Json
    return isTooDeep(value) ? null : { type: "json", value }
  } catch {
    // The text is not JSON.
    return null
  }
}

/**
 * Returns a part for each of the first thousand items. The texts of all others are one more part, so that they can be
 * stored like any large result. A note counts what does not fit, and what is not text.
 */
export function toContentParts<Item>(
  items: readonly Item[],
  convert: (item: Item) => ContentPart,
): readonly ContentPart[] {
  const parts = items.slice(0, maxBlocks).map(convert)
  if (items.length <= maxBlocks) return parts
  const texts: string[] = []
  let bytes = 0
  for (let index = maxBlocks; index < items.length; index++) {
    const part = convert(items[index] as Item)
    if (part.type !== "text") continue
    bytes += Buffer.byteLength(part.text) + 1
    if (bytes > maxJoinedBytes) break
    texts.push(part.text)
  }
  if (texts.length > 0) parts.push(createText(texts.join("\n")))
  const missing = items.length - maxBlocks - texts.length
  return missing === 0 ? parts : [...parts, createText(`[${missing} more parts were left out.]`)]
}

/**
 * Returns the parts without large structured content. Servers that follow the specification have repeated it as text.
 */
function dropStructured(parts: readonly ContentPart[], value: Json): ToolResult {
  if (parts.length === 0)
    return { type: "content", content: [createText(formatJsonStart(value, maxStructuredCharacters))] }
  const note = `[Structured content of more than ${maxStructuredCharacters} characters was left out.]`
  return { type: "content", content: [...parts, createText(note)] }
}

export function toPart(block: ContentBlock): ContentPart {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.text }
    case "image":
      return toImage(block.mimeType, block.data, "image")
    case "audio":
      return createText(`[${describe("sound", block.mimeType, block.data)}]`)
    case "resource_link": {
      const { name, uri, mimeType, description } = block
      return createText(
        `[resource ${name}: ${uri}${formatAside(mimeType)}${description ? `: ${description}` : ""}]`,
      )
    }
    case "resource":
      return toResourcePart(block.resource)
    default:
      block satisfies never
      return createText("[content of an unknown kind]")
  }
}

/** Returns the content of a resource, under its URI. */
export function toResourcePart(resource: ResourceContents): ContentPart {
  const { uri, mimeType } = resource
  if ("text" in resource) return createText(`[resource ${uri}${formatAside(mimeType)}]\n${resource.text}`)
  if (!("blob" in resource)) return createText(`[resource ${uri}${formatAside(mimeType)}]`)
  const blob = String(resource.blob)
  if (!isTextType(mimeType)) return toImage(mimeType ?? "application/octet-stream", blob, `resource ${uri}`)
  return createText(
    `[resource ${uri}${formatAside(mimeType)}]\n${Buffer.from(blob, "base64").toString("utf8")}`,
  )
}

function isTextType(mediaType = ""): boolean {
  return mediaType.startsWith("text/") || mediaType === "application/json"
}

function toImage(mediaType: string, data: string, subject: string): ContentPart {
  if (!imageTypes.has(mediaType)) return createText(`[${describe(subject, mediaType, data)}]`)
  return { type: "image", source: { type: "base64", mediaType, data } }
}

function describe(subject: string, mediaType: string, base64: string): string {
  return `${subject} (${mediaType}), ${Math.floor((base64.length * 3) / 4)} bytes, which cannot be shown`
}

function formatAside(mediaType: string | undefined): string {
  return mediaType === undefined ? "" : ` (${mediaType})`
}

function createText(value: string): ContentPart {
  return { type: "text", text: value }
}
