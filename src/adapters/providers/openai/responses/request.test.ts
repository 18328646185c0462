import { describe, expect, test } from "vitest"
import type { AssistantPart, Message } from "../../../../core/history/messages.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import type { ModelRequest } from "../../../../core/ports/model/provider.ts"
import type { ToolResult } from "../../../../core/ports/tools/tool.ts"
import { toInputItems } from "./input-items.ts"
import { createResponsesRequest } from "./request.ts"

const empty: ModelRequest = { model: "gpt-test", system: [], messages: [], tools: [], maxTokens: 50 }
const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] })
const assistant = (...content: readonly AssistantPart[]): Message => ({ role: "assistant", content })
const own = (data: JsonObject) => ({ vendor: { provider: "openai", data } })
const items = (...messages: readonly Message[]) => toInputItems(messages, { vendor: "openai", stored: false })

describe("a request", () => {
  test("is stateless, and requests reasoning in a form that can be sent back", () => {
    expect(createResponsesRequest(empty, {}, "openai")).toEqual({
      model: "gpt-test",
      input: [],
      max_output_tokens: 50,
      store: false,
      stream: true,
      include: ["reasoning.encrypted_content"],
    })
  })

  test("does not request reasoning from a model without it", () => {
    for (const model of ["gpt-4.1-mini", "gpt-4o", "chatgpt-4o-latest", "gpt-5-chat-latest"])
      expect(createResponsesRequest({ ...empty, model }, {}, "openai")).not.toHaveProperty("include")
  })

  test("has the thinking level as its effort, next to the provider's other settings", () => {
    const reasoning = { effort: "low", summary: "auto" } as const
    for (const thinkingLevel of ["none", "minimal", "low", "medium", "high", "max"] as const) {
      expect(createResponsesRequest({ ...empty, thinkingLevel }, { reasoning }, "openai")).toMatchObject({
        reasoning: { effort: thinkingLevel, summary: "auto" },
      })
    }
    expect(createResponsesRequest(empty, { reasoning }, "openai")).toMatchObject({ reasoning })
    const without = { ...empty, model: "gpt-4o", thinkingLevel: "none" } as const
    expect(createResponsesRequest(without, {}, "openai")).not.toHaveProperty("reasoning")
  })

  test("has the prompt as instructions, and tools of any schema", () => {
    const system = [{ text: "Rules.", cache: true }, { text: " " }, { text: "A book." }]
    const tools = [{ name: "now", description: "Tells the time.", inputSchema: { type: "object" } }]
    expect(createResponsesRequest({ ...empty, system, tools }, {}, "openai")).toMatchObject({
      instructions: "Rules.\n\nA book.",
      tools: [
        {
          type: "function",
          name: "now",
          description: "Tells the time.",
          parameters: { type: "object", properties: {} },
          strict: false,
        },
      ],
    })
  })

  test("has the configured fields; the provider's own tools are offered with the agent's", () => {
    const tools = [{ name: "now", description: "", inputSchema: {} }]
    const extraBody = {
      tools: [{ type: "web_search" }],
      include: ["web_search_call.action.sources"],
      text: { verbosity: "low" },
    }
    const outputSchema = { type: "object" }
    const reasoning = { effort: "low", summary: "auto" } as const
    const body = createResponsesRequest(
      { ...empty, tools, outputSchema },
      { extraBody, reasoning, store: true },
      "openai",
    )
    expect(body).toMatchObject({
      reasoning,
      store: true,
      include: ["web_search_call.action.sources", "reasoning.encrypted_content"],
      tools: [{ type: "web_search" }, { type: "function", name: "now" }],
      text: {
        verbosity: "low",
        format: { type: "json_schema", name: "answer", schema: outputSchema, strict: false },
      },
    })
  })

  test("has no schema for a provider that refuses one", () => {
    const body = createResponsesRequest(
      { ...empty, outputSchema: {} },
      { structuredOutputs: false },
      "openai",
    )
    expect(body).not.toHaveProperty("text")
  })
})

describe("a conversation", () => {
  const reasoning = { type: "reasoning", id: "rs", summary: [], encrypted_content: "gAAA" }
  const thinking: AssistantPart = { type: "thinking", text: "", ...own(reasoning) }
  const call = (data: JsonObject): AssistantPart => ({
    type: "toolCall",
    toolCallId: "call_1",
    name: "add",
    input: { a: 1 },
    ...own(data),
  })

  test("OpenAI's own items are sent back unchanged and in their place", () => {
    const search = { type: "web_search_call", id: "ws", status: "completed" }
    const message = { id: "msg", status: "completed", phase: "commentary" }
    const cited = { type: "output_text", annotations: [{ type: "url_citation" }] }
    expect(
      items(
        assistant(
          thinking,
          { type: "opaque", ...own(search) },
          { type: "text", text: "So.", ...own({ ...message, content: cited }) },
          { type: "text", text: "No.", ...own({ ...message, content: { type: "refusal" } }) },
          {
            type: "text",
            text: "Well.",
            ...own({ ...message, id: "msg_2", content: { type: "output_text" } }),
          },
          call({ id: "fc", call_id: "call_a", status: "completed" }),
        ),
      ),
    ).toEqual([
      reasoning,
      search,
      {
        ...message,
        type: "message",
        role: "assistant",
        content: [
          { ...cited, text: "So." },
          { type: "refusal", refusal: "No." },
        ],
      },
      {
        ...message,
        id: "msg_2",
        type: "message",
        role: "assistant",
        content: [{ type: "output_text", annotations: [], text: "Well." }],
      },
      {
        type: "function_call",
        id: "fc",
        call_id: "call_a",
        status: "completed",
        name: "add",
        arguments: '{"a":1}',
      },
    ])
  })

  test("parts that only another provider understands are left out, and its calls keep the gateway's ids", () => {
    const vendor = { provider: "anthropic", data: { id: "toolu_1", signature: "no" } }
    expect(
      items(
        assistant(
          { type: "thinking", text: "Hm.", vendor },
          { type: "opaque", vendor },
          { type: "text", text: "Hi.", vendor },
          { type: "toolCall", toolCallId: "call_1", name: "add", input: {}, vendor },
        ),
      ),
    ).toEqual([
      { type: "message", role: "assistant", content: "Hi." },
      { type: "function_call", call_id: "call_1", name: "add", arguments: "{}" },
    ])
  })

  test("reasoning that the provider cannot read is left out, and so are the ids that refer to it", () => {
    const unreadable: AssistantPart = {
      type: "thinking",
      text: "",
      ...own({ ...reasoning, encrypted_content: null }),
    }
    const text: AssistantPart = {
      type: "text",
      text: "Hi.",
      ...own({ id: "msg", phase: "final_answer", content: { type: "output_text" } }),
    }
    const search: AssistantPart = { type: "opaque", ...own({ type: "web_search_call", id: "ws" }) }
    const message = assistant(unreadable, search, text, call({ id: "fc", call_id: "call_a" }))
    expect(items(message)).toEqual([
      { type: "message", role: "assistant", content: "Hi.", phase: "final_answer" },
      { type: "function_call", call_id: "call_a", name: "add", arguments: '{"a":1}' },
    ])
    expect(toInputItems([message], { vendor: "openai", stored: true })).toMatchObject([
      { id: "rs" },
      { id: "ws" },
      { id: "msg" },
      { id: "fc" },
    ])
  })

  test("reasoning without a following item is left out, because the provider refuses it", () => {
    expect(items(assistant(thinking), user("So?"))).toMatchObject([{ role: "user" }])
  })

  test("results follow their calls, with the received ids", () => {
    const results: Message = {
      role: "tool",
      results: [{ toolCallId: "call_1", result: { type: "json", value: { sum: 3 } } }],
    }
    expect(
      items(user("Hi"), assistant(call({ call_id: "call_a" })), user("By the way"), results),
    ).toMatchObject([
      { role: "user" },
      { type: "function_call", call_id: "call_a" },
      { type: "function_call_output", call_id: "call_a", output: '{"sum":3}' },
      { role: "user" },
    ])
  })

  test.each<[ToolResult, unknown]>([
    [{ type: "json", value: "done" }, "done"],
    [{ type: "json", value: null }, "null"],
    [{ type: "error", code: "timeout", message: "Too slow." }, "Error: timeout: Too slow."],
    [
      { type: "error", code: "failed", subCode: "not_found", message: "None." },
      "Error: failed (not_found): None.",
    ],
    [
      { type: "json", value: { ok: 0 }, isError: true, warning: "Odd." },
      'Error: The tool reports that it failed. Its result follows.\nWarning: Odd.\n{"ok":0}',
    ],
    [
      {
        type: "content",
        content: [
          { type: "text", text: "A plot" },
          { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } },
        ],
      },
      [
        { type: "input_text", text: "A plot" },
        { type: "input_image", image_url: "data:image/png;base64,iVBO", detail: "auto" },
      ],
    ],
  ])("the result %j", (result, output) => {
    expect(items({ role: "tool", results: [{ toolCallId: "call_1", result }] })).toEqual([
      { type: "function_call_output", call_id: "call_1", output },
    ])
  })

  test("images are sent by address or as data, system messages in their place, and empty text not at all", () => {
    const picture: Message = {
      role: "user",
      content: [
        { type: "text", text: " " },
        { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      ],
    }
    const brief: Message = { role: "system", content: [{ type: "text", text: "Be brief." }] }
    expect(items(picture, user("\n"), brief, assistant({ type: "text", text: "" }))).toEqual([
      {
        type: "message",
        role: "user",
        content: [{ type: "input_image", image_url: "https://example.com/a.png", detail: "auto" }],
      },
      { type: "message", role: "system", content: [{ type: "input_text", text: "Be brief." }] },
    ])
  })
})
