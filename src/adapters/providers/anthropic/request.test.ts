import { expect, test } from "vitest"
import type { AssistantPart, Message } from "../../../core/history/messages.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { createMessagesRequest } from "./request.ts"

const empty: ModelRequest = { model: "claude-test", system: [], messages: [], tools: [], maxTokens: 50 }
const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] })
const assistant = (...content: readonly AssistantPart[]): Message => ({ role: "assistant", content })
const anthropic = (data: JsonObject) => ({ vendor: { provider: "anthropic", data } })
const turns = (...messages: readonly Message[]) => createMessagesRequest({ ...empty, messages }).messages

test("the prompt's blocks are separate, and those to cache are marked", () => {
  const system = [{ text: "Rules." }, { text: "A book.", cache: true }, { text: " " }]
  expect(createMessagesRequest({ ...empty, system })).toEqual({
    model: "claude-test",
    max_tokens: 50,
    stream: true,
    messages: [],
    system: [
      { type: "text", text: "Rules." },
      { type: "text", text: "A book.", cache_control: { type: "ephemeral" } },
    ],
  })
})

test("the end of the cached messages is marked, in the turn that they are a part of", () => {
  const messages = [user("One"), assistant({ type: "text", text: "Two" }), user("Three"), user("Reminder")]
  const markedBy = (cachedMessages: number) =>
    JSON.stringify(createMessagesRequest({ ...empty, messages, cachedMessages }).messages)
      .split('"cache_control"')
      .map((part) => part.match(/"text":"(\w+)",$/)?.[1])
  expect(markedBy(0)).toEqual([undefined])
  expect(markedBy(3)).toEqual(["Three", undefined])
  // The mark of a result comes before the texts of its turn.
  const result: Message = {
    role: "tool",
    results: [{ toolCallId: "call_1", result: { type: "json", value: 1 } }],
  }
  expect(
    createMessagesRequest({ ...empty, messages: [user("Hi"), result, user("Reminder")], cachedMessages: 2 })
      .messages,
  ).toMatchObject([
    {
      content: [
        { type: "tool_result", cache_control: { type: "ephemeral" } },
        { type: "text", text: "Hi" },
        { type: "text", text: "Reminder" },
      ],
    },
  ])
})

test("thinking is not marked, because the API refuses it", () => {
  const thinking: AssistantPart = { type: "thinking", text: "Hm.", ...anthropic({ signature: "sig" }) }
  const messages = [user("One"), assistant(thinking)]
  expect(JSON.stringify(createMessagesRequest({ ...empty, messages, cachedMessages: 2 }))).not.toContain(
    "cache_control",
  )
})

test("a request has at most four marks", () => {
  const system = ["a", "b", "c", "d"].map((text) => ({ text, cache: true }))
  const marksWith = (blocks: readonly { readonly text: string; readonly cache: boolean }[]) =>
    JSON.stringify(
      createMessagesRequest({ ...empty, system: blocks, messages: [user("Hi")], cachedMessages: 1 }),
    ).match(/cache_control/g)?.length
  expect(marksWith(system)).toBe(4)
  expect(marksWith(system.slice(1))).toBe(4)
})

test("tools are sent with their schemas", () => {
  const tools = [{ name: "add", description: "Adds.", inputSchema: { type: "object", required: ["a"] } }]
  expect(createMessagesRequest({ ...empty, tools }).tools).toEqual([
    { name: "add", description: "Adds.", input_schema: { type: "object", required: ["a"] } },
  ])
})

test("images are sent as base64 or by address", () => {
  const message: Message = {
    role: "user",
    content: [
      { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } },
      { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
    ],
  }
  expect(turns(message)[0]?.content).toEqual([
    { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBO" } },
    { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
  ])
})

test("an illegal id is replaced, in the call and in its result", () => {
  const message = assistant({
    type: "toolCall",
    toolCallId: "call_1",
    name: "functions.add:0",
    input: {},
    ...anthropic({ id: "functions.add:0" }),
  })
  const result: Message = {
    role: "tool",
    results: [{ toolCallId: "call_1", result: { type: "json", value: 1 } }],
  }
  expect(turns(user("Hi"), message, result).slice(1)).toMatchObject([
    { content: [{ type: "tool_use", id: "call_1", name: "functions_add_0" }] },
    { content: [{ type: "tool_result", tool_use_id: "call_1" }] },
  ])
})

test("Anthropic's own parts are sent back unchanged and in their place", () => {
  const search = { type: "server_tool_use", id: "s", name: "web_search", input: { query: "x" } }
  const citations = [{ type: "web_search_result_location", cited_text: "c" }]
  const message = assistant(
    { type: "thinking", text: "Hm.", ...anthropic({ signature: "sig" }) },
    { type: "opaque", ...anthropic({ type: "redacted_thinking", data: "d" }) },
    { type: "opaque", ...anthropic(search) },
    { type: "text", text: "So.", ...anthropic({ citations }) },
    {
      type: "toolCall",
      toolCallId: "call_1",
      name: "add",
      input: { a: 1 },
      ...anthropic({ id: "toolu_1", caller: { type: "direct" } }),
    },
  )
  expect(turns(user("Hi"), message)[1]).toEqual({
    role: "assistant",
    content: [
      { type: "thinking", thinking: "Hm.", signature: "sig" },
      { type: "redacted_thinking", data: "d" },
      search,
      { type: "text", text: "So.", citations },
      { type: "tool_use", id: "toolu_1", name: "add", input: { a: 1 }, caller: { type: "direct" } },
    ],
  })
})

test("parts that only another provider understands are left out, and its calls keep the gateway's ids", () => {
  const vendor = { provider: "openai", data: { id: "fc_1", signature: "no" } }
  const message = assistant(
    { type: "thinking", text: "Hm.", vendor },
    { type: "opaque", vendor },
    { type: "text", text: "Hi.", vendor },
    { type: "toolCall", toolCallId: "call_1", name: "add", input: {}, vendor },
  )
  expect(turns(user("Hi"), message)[1]?.content).toEqual([
    { type: "text", text: "Hi." },
    { type: "tool_use", id: "call_1", name: "add", input: {} },
  ])
})

test("thinking without a signature is left out: the API would refuse it", () => {
  expect(turns(user("Hi"), assistant({ type: "thinking", text: "Hm." }), user("So?"))).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "Hi" },
        { type: "text", text: "So?" },
      ],
    },
  ])
})

test("results come first in the turn after their calls, in order, with the received ids", () => {
  const call = (toolCallId: string, id: string): AssistantPart => ({
    type: "toolCall",
    toolCallId,
    name: "add",
    input: {},
    ...anthropic({ id }),
  })
  const result = (toolCallId: string) => ({
    toolCallId,
    result: { type: "json", value: toolCallId } as const,
  })
  const [, , last, ...more] = turns(
    user("Hi"),
    assistant(call("call_1", "toolu_1"), call("call_2", "toolu_2")),
    user("By the way"),
    { role: "tool", results: [result("call_1"), result("call_2")] },
  )
  expect(more).toEqual([])
  expect(last).toEqual({
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "call_1" }] },
      { type: "tool_result", tool_use_id: "toolu_2", content: [{ type: "text", text: "call_2" }] },
      { type: "text", text: "By the way" },
    ],
  })
})

test.each<[ToolResult, JsonObject]>([
  [{ type: "json", value: { sum: 3 } }, { content: [{ type: "text", text: '{"sum":3}' }] }],
  [{ type: "json", value: null }, { content: [{ type: "text", text: "null" }] }],
  [{ type: "json", value: "" }, { content: [] }],
  [
    { type: "json", value: { rows: 2 }, warning: "Incomplete." },
    { content: [{ type: "text", text: 'Warning: Incomplete.\n{"rows":2}' }] },
  ],
  [
    { type: "content", content: [{ type: "text", text: "No." }], isError: true, warning: "Odd." },
    {
      content: [
        { type: "text", text: "Warning: Odd." },
        { type: "text", text: "No." },
      ],
      is_error: true,
    },
  ],
  [
    { type: "error", code: "timeout", message: "Too slow." },
    { content: "timeout: Too slow.", is_error: true },
  ],
  [
    { type: "error", code: "lookup_failed", subCode: "not_found", message: "No such order." },
    { content: "lookup_failed (not_found): No such order.", is_error: true },
  ],
  [
    {
      type: "content",
      content: [
        { type: "text", text: "" },
        { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } },
      ],
    },
    { content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "iVBO" } }] },
  ],
])("the result %j", (result, expected) => {
  const [turn] = turns({ role: "tool", results: [{ toolCallId: "call_1", result }] })
  expect(turn?.content).toEqual([{ type: "tool_result", tool_use_id: "call_1", ...expected }])
})

test("consecutive messages of one role are one turn, and neither empty text nor an empty turn is sent", () => {
  expect(turns(user("One"), user("  "), assistant({ type: "text", text: "\n" }), user("Two"))).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "One" },
        { type: "text", text: "Two" },
      ],
    },
  ])
})

test("a conversation that starts with the assistant is sent with a user turn first", () => {
  const roles = turns(assistant({ type: "text", text: "Welcome!" }), user("Hi")).map((turn) => turn.role)
  expect(roles).toEqual(["user", "assistant", "user"])
})

test("system messages of the conversation are appended to the system prompt", () => {
  const { system, messages } = createMessagesRequest({
    ...empty,
    system: [{ text: "Rules." }],
    messages: [user("Hi"), { role: "system", content: [{ type: "text", text: "Be brief." }] }, user("So?")],
  })
  expect(system).toEqual([
    { type: "text", text: "Rules." },
    { type: "text", text: "Be brief." },
  ])
  expect(messages.map((turn) => turn.role)).toEqual(["user"])
})

test("the request's own messages are not changed", () => {
  const messages = [user("One"), user("Two")]
  const before = structuredClone(messages)
  turns(...messages)
  expect(messages).toEqual(before)
})
