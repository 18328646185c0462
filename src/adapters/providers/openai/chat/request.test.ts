import { describe, expect, test } from "vitest"
import type { AssistantPart, Message } from "../../../../core/history/messages.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import type { ModelRequest } from "../../../../core/ports/model/provider.ts"
import { findHostTraits, type HostTraits } from "./hosts.ts"
import { toChatMessages } from "./messages.ts"
import { createChatRequest } from "./request.ts"

const local = findHostTraits("http://127.0.0.1:11434/v1")
const service = { vendor: "openai-chat" }
const empty: ModelRequest = { model: "qwen3", system: [], messages: [], tools: [], maxTokens: 50 }
const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] })
const assistant = (...content: readonly AssistantPart[]): Message => ({ role: "assistant", content })
const own = (data: JsonObject) => ({ vendor: { provider: "openai-chat", data } })
const call = (toolCallId: string, data: JsonObject = {}): AssistantPart => ({
  type: "toolCall",
  toolCallId,
  name: "add",
  input: { a: 1 },
  ...own(data),
})
const image = { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } } as const
const sent = (messages: readonly Message[], traits: Partial<HostTraits> = {}) =>
  toChatMessages(messages, { ...local, ...traits }, "openai-chat")
const answered = (toolCallId: string): Message => ({
  role: "tool",
  results: [{ toolCallId, result: { type: "json", value: 1 } }],
})

describe("a request", () => {
  test("has only common fields for an unknown server", () => {
    const tools = [{ name: "now", description: "Tells the time.", inputSchema: { type: "object" } }]
    const outputSchema = { type: "object" }
    expect(
      createChatRequest({ ...empty, tools, outputSchema, messages: [user("Hi")] }, local, service),
    ).toEqual({
      model: "qwen3",
      messages: [{ role: "user", content: "Hi" }],
      max_tokens: 50,
      stream: true,
      stream_options: { include_usage: true },
      tools: [
        {
          type: "function",
          function: {
            name: "now",
            description: "Tells the time.",
            parameters: { type: "object", properties: {} },
          },
        },
      ],
      response_format: {
        type: "json_schema",
        json_schema: { name: "answer", schema: outputSchema, strict: false },
      },
    })
  })

  test("starts with the prompt, to which the conversation's system messages are appended", () => {
    const brief: Message = { role: "system", content: [{ type: "text", text: "Be brief." }] }
    const request = { ...empty, system: [{ text: "Rules." }], messages: [user("Hi"), brief] }
    expect(createChatRequest(request, local, service).messages).toEqual([
      { role: "system", content: "Rules.\n\nBe brief." },
      { role: "user", content: "Hi" },
    ])
  })

  test.each<[string, JsonObject, readonly string[]]>([
    ["https://api.openai.com/v1", { max_completion_tokens: 50 }, ["max_tokens"]],
    ["https://api.mistral.ai/v1", { max_tokens: 50 }, ["stream_options", "max_completion_tokens"]],
    ["https://api.deepseek.com", { max_tokens: 50 }, ["response_format"]],
  ])("to %s has the fields that it accepts", (baseURL, present, absent) => {
    const body = createChatRequest({ ...empty, outputSchema: {} }, findHostTraits(baseURL), service)
    expect(body).toMatchObject(present)
    for (const field of absent) expect(body).not.toHaveProperty(field)
  })
})

describe("a conversation", () => {
  test("text is sent as strings, consecutive user messages as one, and nothing empty", () => {
    expect(
      sent([user("One"), user(" "), user("Two"), assistant({ type: "text", text: "\n" }), user("Three")]),
    ).toEqual([{ role: "user", content: "One\n\nTwo\n\nThree" }])
  })

  test("images are sent as addresses", () => {
    const url = { type: "image", source: { type: "url", url: "https://example.com/a.png" } } as const
    expect(sent([{ role: "user", content: [{ type: "text", text: "See" }, image, url] }])).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "See" },
          { type: "image_url", image_url: { url: "data:image/png;base64,iVBO" } },
          { type: "image_url", image_url: { url: "https://example.com/a.png" } },
        ],
      },
    ])
  })

  test("calls are sent back with their ids and vendor data, and results follow them directly", () => {
    const extra_content = { google: { thought_signature: "sig" } }
    const calls = assistant(call("call_1", { id: "a", extra_content }), call("call_2", { id: "b" }))
    const results: Message = {
      role: "tool",
      results: [
        { toolCallId: "call_1", result: { type: "json", value: { sum: 3 } } },
        { toolCallId: "call_2", result: { type: "error", code: "timeout", message: "Too slow." } },
      ],
    }
    const add = { type: "function", function: { name: "add", arguments: '{"a":1}' } }
    expect(sent([user("Hi"), calls, user("By the way"), results])).toEqual([
      { role: "user", content: "Hi" },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { ...add, id: "a", extra_content },
          { ...add, id: "b" },
        ],
      },
      { role: "tool", tool_call_id: "a", content: '{"sum":3}' },
      { role: "tool", tool_call_id: "b", content: "Error: timeout: Too slow." },
      { role: "user", content: "By the way" },
    ])
  })

  test("images of results follow in a message of the user's", () => {
    const results: Message = {
      role: "tool",
      results: [
        { toolCallId: "call_1", result: { type: "content", content: [image] } },
        {
          toolCallId: "call_2",
          result: { type: "content", content: [{ type: "text", text: "Plot" }, image] },
        },
      ],
    }
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,iVBO" } }
    expect(sent([assistant(call("call_1"), call("call_2")), results, user("And?")]).slice(1)).toEqual([
      { role: "tool", tool_call_id: "call_1", content: "See the next message for what it shows." },
      { role: "tool", tool_call_id: "call_2", content: "Plot" },
      {
        role: "user",
        content: [
          { type: "text", text: "From call call_1:" },
          picture,
          { type: "text", text: "From call call_2:" },
          picture,
          { type: "text", text: "And?" },
        ],
      },
    ])
  })

  test("parts that only another provider understands are left out, and its calls keep the gateway's ids", () => {
    const vendor = { provider: "anthropic", data: { id: "toolu_1", signature: "no" } }
    const message = assistant(
      { type: "thinking", text: "Hm.", vendor },
      { type: "opaque", vendor },
      { type: "text", text: "Hi.", vendor },
      { type: "toolCall", toolCallId: "call_1", name: "add", input: {}, vendor },
    )
    expect(sent([message], { sendReasoning: "reasoning_details" })).toEqual([
      {
        role: "assistant",
        content: "Hi.",
        tool_calls: [{ id: "call_1", type: "function", function: { name: "add", arguments: "{}" } }],
      },
    ])
  })

  test("a missing or repeated id is replaced", () => {
    const messages = [
      assistant(call("call_1", { id: "0" })),
      answered("call_1"),
      assistant(call("call_2", { id: "0" }), call("call_3")),
      answered("call_2"),
    ]
    const ids = sent(messages).map((message) =>
      message.role === "tool"
        ? message.tool_call_id
        : "tool_calls" in message && message.tool_calls?.map(({ id }) => id),
    )
    expect(ids).toEqual([["0"], "0", ["call_2", "call_3"], "call_2"])
  })

  test("if ids must have nine letters and digits, other ids become numbers", () => {
    const messages = [assistant(call("call_1", { id: "gSIMJiOkT" }), call("call_2")), answered("call_2")]
    expect(sent(messages, { shortCallIds: true })).toMatchObject([
      { tool_calls: [{ id: "gSIMJiOkT" }, { id: "000000001" }] },
      { tool_call_id: "000000001" },
    ])
  })
})

describe("reasoning", () => {
  const thinking: AssistantPart = { type: "thinking", text: "Hm.", ...own({}) }

  test("is not sent back by default", () => {
    expect(sent([assistant(thinking, call("call_1"))])[0]).not.toHaveProperty("reasoning_content")
  })

  test("is sent back in the field that the provider requires, which a message with calls always has", () => {
    const { sendReasoning } = findHostTraits("https://api.deepseek.com/v1")
    const messages = [
      assistant(thinking, call("call_1")),
      assistant(call("call_2")),
      assistant({ type: "text", text: "Hi." }),
    ]
    const [first, second, third] = sent(messages, { sendReasoning })
    expect(first).toHaveProperty("reasoning_content", "Hm.")
    expect(second).toHaveProperty("reasoning_content", "")
    expect(third).not.toHaveProperty("reasoning_content")
  })

  test("is sent back in OpenRouter's blocks, unchanged", () => {
    const reasoning_details = [{ type: "reasoning.encrypted", data: "gAAA", index: 0 }]
    const message = assistant({ type: "thinking", text: "", ...own({ reasoning_details }) }, call("call_1"))
    const { sendReasoning } = findHostTraits("https://openrouter.ai/api/v1")
    expect(sent([message], { sendReasoning })[0]).toMatchObject({ reasoning_details })
  })
})
