import type { Message, ModelPart } from "../../../core/history/messages.ts"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import { estimateJsonSize } from "../../../core/json/json-size.ts"
import type { EndedAttempt, EndedToolCall, SentAttempt } from "../../../core/ports/observer.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { Mask } from "../../../platform/logging/mask.ts"
import { type Attributes, names, toFinishReason } from "./conventions.ts"

/** Maximum characters of one attribute with content. Older messages are left out first. */
const maxCharacters = 64_000
/** Placeholder for a longer value. A part of it could end within a secret, which the masks would not recognize. */
const tooLong = "[more than 64000 characters]"

export interface ContentAttributes {
  ofRequest(attempt: SentAttempt): Attributes
  ofResponse(end: EndedAttempt): Attributes
  ofToolCall(end: EndedToolCall): Attributes
  /** Returns the text of the error of a failed delivery. Null without content. */
  ofDeliveryError(error: string): string | null
}

export const noContent: ContentAttributes = {
  ofRequest: () => ({}),
  ofResponse: () => ({}),
  ofToolCall: () => ({}),
  ofDeliveryError: () => null,
}

/** Returns what users, models and tools said in the JSON of the conventions, masked. */
export function createContentAttributes(mask: Mask): ContentAttributes {
  /** Returns null if the text is too long. The masks take long for long values, so the length is known first. */
  const writeBounded = (value: Json): string | null => {
    if (estimateJsonSize(value) > maxCharacters) return null
    const text = typeof value === "string" ? mask(value) : JSON.stringify(mask(value))
    // With the brackets of a list.
    return text.length + 3 > maxCharacters ? null : text
  }
  /** Returns the newest values that fit, as one JSON array in their order. */
  const write = (values: readonly JsonObject[]): string => {
    const written: string[] = []
    let characters = 2
    for (const value of values.toReversed()) {
      const text = writeBounded(value) ?? JSON.stringify(replaceContent(value))
      characters += text.length + 1
      if (characters > maxCharacters) break
      written.push(text)
    }
    return `[${written.reverse().join(",")}]`
  }
  const writeOne = (value: Json): string => writeBounded(value) ?? tooLong
  return {
    ofRequest({ request: { system, messages } }) {
      return {
        [names.systemInstructions]: write(system.map(({ text }) => ({ type: "text", content: text }))),
        [names.inputMessages]: write(messages.map(toMessage)),
      }
    },
    ofResponse({ response, stopReason }) {
      if (response === null) return {}
      const finished = stopReason === null ? {} : { finish_reason: toFinishReason(stopReason) }
      return { [names.outputMessages]: write([{ ...toMessage(response), ...finished }]) }
    },
    ofToolCall({ input, result }) {
      return {
        [names.toolArguments]: writeOne(input),
        ...(result !== null && { [names.toolResult]: writeOne(toResponse(result)) }),
      }
    },
    ofDeliveryError: writeOne,
  }
}

/** Returns a system text or a message with a placeholder as its content. */
function replaceContent(value: JsonObject): JsonObject {
  const part = { type: "text", content: tooLong }
  return "parts" in value ? { ...value, parts: [part] } : part
}

function toMessage(message: Message): JsonObject {
  if (message.role !== "tool") return { role: message.role, parts: message.content.map(toPart) }
  const parts = message.results.map(({ toolCallId, result }) => {
    return { type: "tool_call_response", id: toolCallId, response: toResponse(result) }
  })
  return { role: "tool", parts }
}

type Part = ModelPart | Extract<Message, { role: "user" | "assistant" }>["content"][number]

/** Images, and parts that only their provider understands, are named, but not copied. */
function toPart(part: Part): JsonObject {
  switch (part.type) {
    case "text":
      return { type: "text", content: part.text }
    case "thinking":
      return { type: "reasoning", content: part.text }
    case "toolCall": {
      const id = "toolCallId" in part ? { id: part.toolCallId } : {}
      return { type: "tool_call", ...id, name: part.name, arguments: part.input }
    }
    case "image":
    case "opaque":
      return { type: part.type }
    default:
      return part satisfies never
  }
}

function toResponse(result: ToolResult): Json {
  switch (result.type) {
    case "json":
      return result.value
    case "content":
      return result.content.map(toPart)
    case "error":
      return { error: result.code, message: result.message }
    default:
      return result satisfies never
  }
}
