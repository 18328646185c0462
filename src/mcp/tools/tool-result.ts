import type { CallToolResult, ContentBlock, ResourceContents } from "@modelcontextprotocol/client"
import { isJsonObject, type Json } from "../../core/json.ts"
import { type ContentPart, textOf } from "../../core/messages.ts"
import type { ToolResult } from "../../core/ports/tool.ts"
import { deepestLevel, isTooDeep } from "../nesting.ts"

/** The kinds of image that every model service takes. */
const imageTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"])

/**
 * What the model is given of a call's result. Text and common images are passed on; what models cannot be shown in a
 * tool's result, such as sound, is named with its type and size. Structured content is the result where it says all.
 */
export function toToolResult({ content, structuredContent, isError }: CallToolResult): ToolResult {
  const parts = content.map(toPart)
  if (isError === true) {
    const message = parts.map((part) => textOf([part])).join("\n")
    return {
      type: "error",
      code: "mcp_tool_error",
      message: message || "The tool failed and did not say why.",
    }
  }
  if (structuredContent === undefined) return { type: "content", content: parts }
  if (isTooDeep(structuredContent)) {
    const message = `The tool's result nests deeper than ${deepestLevel} levels.`
    return { type: "error", code: "mcp_tool_error", message }
  }
  // The SDK has read it from JSON.
  const value = structuredContent as Json
  if (parts.every((part) => saysTheSame(part, value))) return { type: "json", value }
  return { type: "content", content: [...parts, { type: "text", text: JSON.stringify(value) }] }
}

/** Servers repeat their structured content as text, for clients that do not know it. */
function saysTheSame(part: ContentPart, value: Json): boolean {
  if (part.type !== "text") return false
  if (part.text === value) return true
  try {
    return canonical(JSON.parse(part.text)) === canonical(value)
  } catch {
    // It is no JSON.
    return false
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    isJsonObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  )
}

export function toPart(block: ContentBlock): ContentPart {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.text }
    case "image":
      return toImage(block.mimeType, block.data, "image")
    case "audio":
      return text(`[${describe("sound", block.mimeType, block.data)}]`)
    case "resource_link": {
      const { name, uri, mimeType, description } = block
      return text(`[resource ${name}: ${uri}${aside(mimeType)}${description ? `: ${description}` : ""}]`)
    }
    case "resource":
      return toResourcePart(block.resource)
    default:
      block satisfies never
      return text("[content of an unknown kind]")
  }
}

/** What a resource holds, under its URI. */
export function toResourcePart(resource: ResourceContents): ContentPart {
  const { uri, mimeType } = resource
  if ("text" in resource) return text(`[resource ${uri}${aside(mimeType)}]\n${resource.text}`)
  if (!("blob" in resource)) return text(`[resource ${uri}${aside(mimeType)}]`)
  const blob = String(resource.blob)
  if (!isTextType(mimeType)) return toImage(mimeType ?? "application/octet-stream", blob, `resource ${uri}`)
  return text(`[resource ${uri}${aside(mimeType)}]\n${Buffer.from(blob, "base64").toString("utf8")}`)
}

function isTextType(mediaType = ""): boolean {
  return mediaType.startsWith("text/") || mediaType === "application/json"
}

function toImage(mediaType: string, data: string, subject: string): ContentPart {
  if (!imageTypes.has(mediaType)) return text(`[${describe(subject, mediaType, data)}]`)
  return { type: "image", source: { type: "base64", mediaType, data } }
}

function describe(subject: string, mediaType: string, base64: string): string {
  return `${subject} (${mediaType}), ${Math.floor((base64.length * 3) / 4)} bytes, which cannot be shown`
}

function aside(mediaType: string | undefined): string {
  return mediaType === undefined ? "" : ` (${mediaType})`
}

function text(value: string): ContentPart {
  return { type: "text", text: value }
}
