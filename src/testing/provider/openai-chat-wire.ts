import type { JsonObject } from "../../core/json/json.ts"

/** A part of a response. If a list of strings is allowed, each becomes one chunk. */
export type ChatAnswerPart =
  | { readonly type: "text"; readonly text: string | readonly string[] }
  /** Reasoning with a signature as OpenRouter sends it: in a block at the end of `reasoning_details`. */
  | { readonly type: "reasoning"; readonly text: string | readonly string[]; readonly signature?: string }
  | {
      readonly type: "toolCall"
      /** Default: `call_` and its index among the calls. */
      readonly id?: string
      readonly name: string
      /** The arguments' JSON, valid or not. */
      readonly json: string | readonly string[]
    }

export interface ChatAnswerOptions {
  readonly model?: string
  /** Default: `tool_calls` with a tool call, otherwise `stop`. */
  readonly finishReason?: string
  readonly inputTokens?: number
  /** Default: the number of chunks with content. */
  readonly outputTokens?: number
}

/**
 * Returns a response as Chat Completions streams it: one string for each server-sent event. The reason, usage and
 * `[DONE]` come last.
 */
export function createChatEvents(
  parts: readonly ChatAnswerPart[],
  options: ChatAnswerOptions = {},
): readonly string[] {
  const calls = parts.filter((part) => part.type === "toolCall")
  const deltas = parts.flatMap((part) =>
    part.type === "toolCall" ? callDeltas(part, calls.indexOf(part)) : partDeltas(part),
  )
  const reason = options.finishReason ?? (calls.length > 0 ? "tool_calls" : "stop")
  const { inputTokens: prompt_tokens = 10, model = "gpt-scripted" } = options
  const completion_tokens = options.outputTokens ?? Math.max(1, deltas.length)
  const usage = { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
  const choice = (delta: JsonObject, finish_reason: string | null = null) => ({
    choices: [{ index: 0, delta, finish_reason }],
  })
  const chunks: readonly JsonObject[] = [
    choice({ role: "assistant", content: "" }),
    ...deltas.map((delta) => choice(delta)),
    choice({}, reason),
    { choices: [], usage },
  ]
  const common = { id: "chatcmpl-scripted", object: "chat.completion.chunk", created: 0, model }
  return [...chunks.map((chunk) => formatChatEvent({ ...common, ...chunk })), "data: [DONE]\n\n"]
}

/** Returns one chunk on the wire. Also for parsed lines of a recording. */
export function formatChatEvent(chunk: JsonObject): string {
  return `data: ${JSON.stringify(chunk)}\n\n`
}

/** Returns the chunk with which a stream fails after it has started, as OpenRouter and others send it. */
export function createChatErrorEvent(code: string | number, message: string): string {
  return formatChatEvent({ error: { code, message } })
}

function partDeltas(part: Exclude<ChatAnswerPart, { type: "toolCall" }>): readonly JsonObject[] {
  if (part.type === "text") return list(part.text).map((content) => ({ content }))
  const deltas = list(part.text).map((reasoning) => ({
    reasoning,
    reasoning_details: [{ type: "reasoning.text", index: 0, text: reasoning }],
  }))
  if (part.signature === undefined) return deltas
  const { signature } = part
  return [...deltas, { reasoning_details: [{ type: "reasoning.text", index: 0, signature }] }]
}

function callDeltas(
  { id, name, json }: Extract<ChatAnswerPart, { type: "toolCall" }>,
  index: number,
): readonly JsonObject[] {
  return [
    { index, id: id ?? `call_${index}`, type: "function", function: { name, arguments: "" } },
    ...list(json).map((piece) => ({ index, function: { arguments: piece } })),
  ].map((call) => ({ tool_calls: [call] }))
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value
}
