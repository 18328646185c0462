import type { Json, JsonObject } from "../../core/json/json.ts"
import type { UpstreamReply } from "./scripted-upstream.ts"

/** A part of a response. If a list of strings is allowed, each becomes one delta. */
export type AnthropicAnswerPart =
  | { readonly type: "text"; readonly text: string | readonly string[] }
  | { readonly type: "thinking"; readonly text: string | readonly string[]; readonly signature?: string }
  | { readonly type: "redactedThinking"; readonly data: string }
  | {
      readonly type: "toolCall"
      /** Default: `toolu_` and its index in the response. */
      readonly id?: string
      readonly name: string
      readonly input?: JsonObject
      /** In place of `input`: its JSON in these pieces, valid or not. */
      readonly inputJson?: string | readonly string[]
    }

export interface AnthropicAnswerOptions {
  readonly model?: string
  /** Default: `tool_use` with a tool call, otherwise `end_turn`. */
  readonly stopReason?: string
  readonly inputTokens?: number
  /** Default: the number of deltas. */
  readonly outputTokens?: number
}

/** Returns a response as the Anthropic Messages API streams it: one string for each server-sent event. */
export function anthropicEvents(
  parts: readonly AnthropicAnswerPart[],
  options: AnthropicAnswerOptions = {},
): readonly string[] {
  const blocks = parts.flatMap(blockEvents)
  const called = parts.some((part) => part.type === "toolCall")
  const inputTokens = options.inputTokens ?? 10
  return [
    {
      type: "message_start",
      message: {
        id: "msg_scripted",
        type: "message",
        role: "assistant",
        model: options.model ?? "claude-scripted",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: inputTokens,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: 1,
        },
      },
    },
    ...blocks,
    {
      type: "message_delta",
      delta: { stop_reason: options.stopReason ?? (called ? "tool_use" : "end_turn"), stop_sequence: null },
      usage: { output_tokens: options.outputTokens ?? blocks.length - 2 * parts.length },
    },
    { type: "message_stop" },
  ].map(serverSentEvent)
}

/** Returns one event of the wire. Also for parsed lines of a recording. */
export function serverSentEvent(event: JsonObject): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Returns the event with which a stream fails after it has started. */
export function anthropicErrorEvent(type: string, message: string): string {
  return serverSentEvent({ type: "error", error: { type, message } })
}

/** Returns a response with an error status. */
export function anthropicErrorReply(
  status: number,
  type: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): UpstreamReply {
  return {
    status,
    headers: { "content-type": "application/json", "request-id": "req_scripted", ...headers },
    steps: [JSON.stringify({ type: "error", error: { type, message } })],
  }
}

function blockEvents(part: AnthropicAnswerPart, index: number): readonly JsonObject[] {
  const [block, deltas] = blockOf(part, index)
  return [
    { type: "content_block_start", index, content_block: block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ]
}

function blockOf(part: AnthropicAnswerPart, index: number): readonly [JsonObject, readonly Json[]] {
  switch (part.type) {
    case "text":
      return [{ type: "text", text: "" }, list(part.text).map((text) => ({ type: "text_delta", text }))]
    case "thinking": {
      const deltas = list(part.text).map((thinking) => ({ type: "thinking_delta", thinking }))
      const signature = { type: "signature_delta", signature: part.signature ?? "signature" }
      return [{ type: "thinking", thinking: "", signature: "" }, [...deltas, signature]]
    }
    case "redactedThinking":
      return [{ type: "redacted_thinking", data: part.data }, []]
    case "toolCall": {
      const json = part.inputJson ?? JSON.stringify(part.input ?? {})
      return [
        { type: "tool_use", id: part.id ?? `toolu_${index}`, name: part.name, input: {} },
        list(json).map((partial_json) => ({ type: "input_json_delta", partial_json })),
      ]
    }
    default:
      return part satisfies never
  }
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value
}
