import type { JsonObject } from "../../core/json/json.ts"
import type { UpstreamReply } from "./scripted-upstream.ts"

/** An output item of a response. If a list of strings is allowed, each becomes one delta. */
export type ResponsesAnswerItem =
  | { readonly type: "text"; readonly text: string | readonly string[] }
  | { readonly type: "reasoning"; readonly summary: string | readonly string[]; readonly encrypted: string }
  | {
      readonly type: "toolCall"
      /** Default: `call_` and its index in the response. */
      readonly id?: string
      readonly name: string
      /** The arguments' JSON, valid or not. */
      readonly json: string | readonly string[]
    }

export interface ResponsesAnswerOptions {
  readonly model?: string
  /** Reason why the response is incomplete. Default: it is complete. */
  readonly incomplete?: "max_output_tokens" | "content_filter"
  readonly inputTokens?: number
  /** Default: the number of deltas. */
  readonly outputTokens?: number
}

/** Returns a response as OpenAI's Responses API streams it: one string for each server-sent event. */
export function createResponsesEvents(
  items: readonly ResponsesAnswerItem[],
  options: ResponsesAnswerOptions = {},
): readonly string[] {
  const { model = "gpt-scripted", incomplete, inputTokens = 10 } = options
  const streamed = items.map(itemEvents)
  const deltas = streamed.flat().filter(({ type }) => String(type).endsWith(".delta"))
  const outputTokens = options.outputTokens ?? Math.max(1, deltas.length)
  const response = { id: "resp_scripted", object: "response", model, output: [] }
  const end = {
    ...response,
    status: incomplete === undefined ? "completed" : "incomplete",
    incomplete_details: incomplete === undefined ? null : { reason: incomplete },
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  }
  return [
    { type: "response.created", response: { ...response, status: "in_progress" } },
    ...streamed.flat(),
    { type: incomplete === undefined ? "response.completed" : "response.incomplete", response: end },
  ].map((event, sequence_number) => formatResponsesEvent({ ...event, sequence_number }))
}

/** Returns one event of the wire. Also for parsed lines of a recording. */
export function formatResponsesEvent(event: JsonObject): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Returns the event with which a stream fails after it has started. */
export function createResponsesErrorEvent(code: string, message: string): string {
  return formatResponsesEvent({ type: "error", error: { type: "server_error", code, message, param: null } })
}

/** Returns a response with an error status, of this API or of Chat Completions. */
export function openAiErrorReply(
  status: number,
  error: { readonly code: string | null; readonly message: string; readonly type?: string },
  headers: Readonly<Record<string, string>> = {},
): UpstreamReply {
  return {
    status,
    headers: { "content-type": "application/json", "x-request-id": "req_scripted", ...headers },
    steps: [JSON.stringify({ error: { type: "invalid_request_error", param: null, ...error } })],
  }
}

function itemEvents(item: ResponsesAnswerItem, output_index: number): readonly JsonObject[] {
  const { begun, done, deltas } = itemOf(item, output_index)
  return [
    { type: "response.output_item.added", output_index, item: begun },
    ...deltas.map((delta) => ({ output_index, item_id: String(done.id), ...delta })),
    { type: "response.output_item.done", output_index, item: done },
  ]
}

interface ItemStages {
  readonly begun: JsonObject
  readonly deltas: readonly JsonObject[]
  readonly done: JsonObject
}

function itemOf(item: ResponsesAnswerItem, index: number): ItemStages {
  switch (item.type) {
    case "text": {
      const message = { id: `msg_${index}`, type: "message", role: "assistant", status: "completed" }
      const content = { type: "output_text", annotations: [], logprobs: [], text: list(item.text).join("") }
      const type = "response.output_text.delta"
      return {
        begun: { ...message, status: "in_progress", content: [] },
        deltas: list(item.text).map((delta) => ({ type, content_index: 0, delta })),
        done: { ...message, content: [content] },
      }
    }
    case "reasoning": {
      const reasoning = { id: `rs_${index}`, type: "reasoning", encrypted_content: item.encrypted }
      const text = list(item.summary).join("")
      const type = "response.reasoning_summary_text.delta"
      return {
        begun: { ...reasoning, encrypted_content: "not yet", summary: [] },
        deltas: list(item.summary).map((delta) => ({ type, summary_index: 0, delta })),
        done: { ...reasoning, summary: [{ type: "summary_text", text }] },
      }
    }
    case "toolCall": {
      const { id = `call_${index}`, name } = item
      const call = { id: `fc_${index}`, type: "function_call", call_id: id, name }
      const type = "response.function_call_arguments.delta"
      return {
        begun: { ...call, status: "in_progress", arguments: "" },
        deltas: list(item.json).map((delta) => ({ type, delta })),
        done: { ...call, status: "completed", arguments: list(item.json).join("") },
      }
    }
    default:
      return item satisfies never
  }
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value
}
