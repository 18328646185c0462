import type { ContentPart, ImagePart, Message } from "../../../core/history/messages.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { formatErrorCode } from "../../../core/tools/tool-result.ts"
import { toModelContent as contentOf } from "../tool-calls/result-content.ts"

/**
 * Returns the messages with each call's results right behind it, before messages that were sent while it ran, because
 * services require this.
 */
export function moveResultsBehindCalls(messages: readonly Message[]): readonly Message[] {
  const ordered: Message[] = []
  for (const message of messages) {
    if (message.role !== "tool") ordered.push(message)
    else ordered.splice(ordered.findLastIndex(isCallOrResult) + 1, 0, message)
  }
  return ordered
}

function isCallOrResult({ role }: Message): boolean {
  return role === "assistant" || role === "tool"
}

/** Returns a result as content. The services mark errors only by text. */
export function toResultContent(result: ToolResult): readonly ContentPart[] {
  switch (result.type) {
    case "json":
    case "content":
      return contentOf(result, { hasErrorMark: false })
    case "error":
      return [{ type: "text", text: `Error: ${formatErrorCode(result)}: ${result.message}` }]
    default:
      return result satisfies never
  }
}

/** Returns a URL for image inputs: the image's own, or one that contains its data. */
export function toImageUrl({ source }: ImagePart): string {
  return source.type === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`
}
