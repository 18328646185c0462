import type { JsonObject } from "../../../src/core/json/json.ts"
import {
  type AnthropicAnswerPart,
  anthropicErrorReply,
  anthropicEvents,
} from "../../../src/testing/provider/anthropic-wire.ts"
import type { UpstreamReply, UpstreamRequest } from "../../../src/testing/provider/scripted-upstream.ts"

interface Block {
  readonly type: string
  readonly text?: string
  readonly content?: string | readonly Block[]
}

interface ModelCall {
  readonly system: string | readonly Block[]
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Block[] }[]
}

export interface ShopModelOptions {
  /** Number of calls for the report that fail before one succeeds. Default 0. */
  readonly failures?: number
  /** If true, the watch finds nothing that needs attention. Default false. */
  readonly isQuiet?: boolean
}

/**
 * Returns a model for both forms of the example `21-from-python`. It plays the help desk, its two skills, the report
 * and the watch, by the system prompt of a call and the messages so far.
 */
export function createShopModel({
  failures = 0,
  isQuiet = false,
}: ShopModelOptions = {}): (request: UpstreamRequest) => UpstreamReply {
  let failed = 0
  return ({ body }) => {
    const call = body as ModelCall
    const system = toText(call.system)
    const results = findResults(call)
    if (system.includes("refund policy"))
      return results.length === 0
        ? requests(["find_order", { order: 18 }])
        : says("Order 18 is lost, so it is refunded.")
    if (system.includes("Count products"))
      return results.length === 0
        ? requests(["count_stock", { product: "kettle" }])
        : says(`The stock: ${results.join()}`)
    if (system.includes("report on the orders")) {
      if (failed++ < failures) return anthropicErrorReply(529, "overloaded_error", "Overloaded")
      return results.length === 0 ? requests(["find_order", { order: 18 }]) : says(writeReport(call))
    }
    if (system.includes("watch over the stock")) {
      if (results.length === 0) return requests(["count_stock", { product: "teapot" }])
      return says(isQuiet ? "HEARTBEAT_OK" : "The teapot is out of stock.")
    }
    return results.length === 0 ? answerHelpDesk(findMessage(call)) : says(`Done: ${results.join(" and ")}`)
  }
}

function answerHelpDesk(message: string): UpstreamReply {
  const [, amount = "", currency = ""] = /^Refund (\d+) (\w+)$/.exec(message) ?? []
  if (currency !== "") return requests(["refund", { order: 17, amount: Number(amount), currency }])
  return requests(
    ["run_agent", { agent: "refund-policy", task: "May order 18 be refunded?" }],
    ["run_agent", { agent: "stock-expert", task: "How many kettles are there?" }],
  )
}

/** Returns a report that counts up the state's `next_order`, as the message contains it. */
function writeReport(call: ModelCall): string {
  const [, next = "18"] =
    /"next_order":\s*(\d+)/.exec(JSON.stringify(call.messages).replaceAll("\\", "")) ?? []
  const state = JSON.stringify({ next_order: Number(next) + 1 })
  return `One order is lost.\n\n## STATE_UPDATE_JSON\n\`\`\`json\n${state}\n\`\`\`\n`
}

/** Returns the texts of the tool results after the last message of the user. */
function findResults({ messages }: ModelCall): readonly string[] {
  const last = messages.at(-1)?.content ?? ""
  if (typeof last === "string") return []
  return last.flatMap(({ type, content = "" }) => (type === "tool_result" ? [toText(content)] : []))
}

function findMessage({ messages }: ModelCall): string {
  return toText(messages.at(-1)?.content ?? "")
}

function toText(content: string | readonly Block[]): string {
  if (typeof content === "string") return content
  return content.map(({ text = "" }) => text).join("\n")
}

function requests(...calls: readonly (readonly [name: string, input: JsonObject])[]): UpstreamReply {
  return respond(
    calls.map(([name, input], index) => ({ type: "toolCall", id: `toolu_${index}`, name, input })),
  )
}

function says(text: string): UpstreamReply {
  return respond([{ type: "text", text }])
}

function respond(parts: readonly AnthropicAnswerPart[]): UpstreamReply {
  const events = anthropicEvents(parts, { model: "claude-sonnet-4-6", outputTokens: 5 })
  return { steps: events.map((event) => event.replace('"usage":{"input_tokens":10', `$&,${noCache}`)) }
}

/** The Python package requires these fields of Anthropic's API. */
const noCache = '"cache_creation_input_tokens":0,"cache_read_input_tokens":0'
