import type { ModelPart } from "../../../../core/history/messages.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import { callInput } from "../../tool-calls/call-input.ts"
import { callName } from "../../tool-calls/call-name.ts"

/** One part of a response that is built from the events. */
export interface PartState {
  /** Its index in the response. */
  readonly part: number
  readonly type: "text" | "thinking" | "toolCall" | "opaque"
  /** The index of its output item. For a text, the item that contains it. */
  readonly itemIndex: number
  /** The content so far: text, reasoning, or a call's arguments. */
  text: string
  /** The part of the message that contains a text, `output_text` or `refusal`, with its citations. */
  content: JsonObject
}

/**
 * Returns the kind of part of an output item. Null for a message, because the pieces of its content are the parts.
 */
export function findPartType({ type }: JsonObject): PartState["type"] | null {
  switch (type) {
    case "message":
      return null
    case "reasoning":
      return "thinking"
    case "function_call":
      return "toolCall"
    default:
      return "opaque"
  }
}

/**
 * Returns the part with the fields of its item that the gateway's own types do not have. For reasoning and unknown
 * items, these are all fields.
 */
export function toPart({ type, text, content }: PartState, item: JsonObject, provider: string): ModelPart {
  switch (type) {
    case "text": {
      const { type: _, role: __, content: ___, ...rest } = item
      return { type, text, vendor: { provider, data: { ...rest, content: omitText(content) } } }
    }
    case "thinking":
      return { type, text, vendor: { provider, data: item } }
    case "toolCall": {
      const { type: _, name = "", arguments: __, ...rest } = item
      return { type, name: callName(String(name)), ...callInput(text), vendor: { provider, data: rest } }
    }
    case "opaque":
      return { type, vendor: { provider, data: item } }
    default:
      return type satisfies never
  }
}

function omitText({
  text: _,
  refusal: __,
  logprobs: ___,
  annotations = [],
  ...rest
}: JsonObject): JsonObject {
  return Array.isArray(annotations) && annotations.length === 0 ? rest : { ...rest, annotations }
}
