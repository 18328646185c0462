import { tokenText } from "../script.ts"

/** A provider's stream, rendered in advance. */
export interface Dialect {
  readonly path: string
  /** Events before the first token, in the same write. */
  readonly opening: string
  readonly tokens: readonly string[]
  readonly ending: string
}

const longestStream = 1_000
const texts = Array.from({ length: longestStream }, (_, index) => tokenText(index))

/** The Anthropic Messages API. */
const messages: Dialect = {
  path: "/v1/messages",
  opening: [
    event({
      type: "message_start",
      message: {
        id: "msg_bench",
        type: "message",
        role: "assistant",
        model: "claude-bench",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 10, output_tokens: 1 },
      },
    }),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
  ].join(""),
  tokens: texts.map((text) =>
    event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
  ),
  ending: [
    event({ type: "content_block_stop", index: 0 }),
    event({
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 200 },
    }),
    event({ type: "message_stop" }),
  ].join(""),
}

/** OpenAI's Chat Completions. */
const chatCompletions: Dialect = {
  path: "/v1/chat/completions",
  opening: chunk({ role: "assistant", content: "" }),
  tokens: texts.map((content) => chunk({ content })),
  ending: `${chunk({}, "stop")}data: [DONE]\n\n`,
}

export const dialects: readonly Dialect[] = [messages, chatCompletions]

function event(data: { readonly type: string; readonly [key: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

function chunk(delta: object, finishReason: string | null = null): string {
  const data = {
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "gpt-bench",
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  }
  return `data: ${JSON.stringify(data)}\n\n`
}
