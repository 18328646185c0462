import type { LanguageModelV4Prompt } from "@ai-sdk/provider"
import { expect, test } from "vitest"
import type { AssistantPart, ContentPart, Message } from "../../../core/history/messages.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { toPrompt } from "./prompt.ts"
import { toPromptV3 } from "./prompt-v3.ts"
import { type Keepsake, keep } from "./vendor-data.ts"

const own = (keepsake: Keepsake) => keep("ai-sdk/test", keepsake)
const user = (...content: readonly ContentPart[]): Message => ({ role: "user", content })
const text = (words: string) => ({ type: "text", text: words }) as const
const assistant = (...content: readonly AssistantPart[]): Message => ({ role: "assistant", content })
const results = (...some: readonly ToolResult[]): Message => ({
  role: "tool",
  results: some.map((result, index) => ({ toolCallId: `call_${index}`, result })),
})
const call = (index: number, keepsake: Keepsake = {}): AssistantPart => ({
  type: "toolCall",
  toolCallId: `call_${index}`,
  name: "add",
  input: { index },
  ...own(keepsake),
})

function promptFor(...messages: readonly Message[]): LanguageModelV4Prompt {
  return toPrompt({ system: [], messages }, "ai-sdk/test")
}

test("the system prompt is one message, or two if the provider caches a marked part of it", () => {
  const rules = { text: "Rules." }
  const messages: readonly Message[] = [{ role: "system", content: [text("Be brief.")] }]
  expect(toPrompt({ system: [rules, { text: " " }], messages }, "ai-sdk/test")).toEqual([
    { role: "system", content: "Rules.\n\nBe brief." },
  ])
  const system = [rules, { text: "A book.", cache: true }]
  expect(toPrompt({ system, messages }, "ai-sdk/test")).toEqual([
    { role: "system", content: "Rules.\n\nA book.\n\nBe brief." },
  ])
  expect(toPrompt({ system, messages }, "ai-sdk/anthropic.messages")).toMatchObject([
    {
      content: "Rules.\n\nA book.",
      providerOptions: {
        anthropic: { cacheControl: { type: "ephemeral" } },
        bedrock: { cachePoint: { type: "default" } },
      },
    },
    { content: "Be brief." },
  ])
})

test("the end of the cached messages is marked, unless it is a response", () => {
  const messages: readonly Message[] = [
    { role: "user", content: [text("One")] },
    assistant(text("Two")),
    { role: "user", content: [text("Three")] },
  ]
  const markedBy = (cachedMessages: number) =>
    toPrompt({ system: [], messages, cachedMessages }, "ai-sdk/anthropic.messages").map(
      ({ providerOptions }) => providerOptions?.anthropic,
    )
  expect(markedBy(0)).toEqual([undefined, undefined, undefined])
  expect(markedBy(2)).toEqual([undefined, undefined, undefined])
  expect(markedBy(3)).toEqual([undefined, undefined, { cacheControl: { type: "ephemeral" } }])
})

test("the provider's own parts are sent back unchanged and in their place", () => {
  const metadata = { test: { signature: "s" } }
  const search = { type: "tool-call", toolCallId: "s", toolName: "search", input: {}, providerExecuted: true }
  const image = {
    type: "file",
    mediaType: "image/png",
    data: { type: "url", url: new URL("https://x.test/a") },
  }
  const message = assistant(
    { type: "thinking", text: "Hm.", ...own({ metadata }) },
    { type: "opaque", vendor: { provider: "ai-sdk/test", data: {} }, ...own({ part: search }) },
    { type: "opaque", vendor: { provider: "ai-sdk/test", data: {} }, ...own({ part: image }) },
    { ...text("So."), ...own({ metadata }) },
    call(0, { id: "theirs", metadata }),
  )
  expect(promptFor(user(text("Hi")), message)[1]).toEqual({
    role: "assistant",
    content: [
      { type: "reasoning", text: "Hm.", providerOptions: metadata },
      search,
      image,
      { type: "text", text: "So.", providerOptions: metadata },
      {
        type: "tool-call",
        toolCallId: "theirs",
        toolName: "add",
        input: { index: 0 },
        providerOptions: metadata,
      },
    ],
  })
})

test("parts that only another provider understands are left out", () => {
  const vendor = { provider: "anthropic", data: { id: "theirs", metadata: {} } }
  const message = assistant(
    { type: "thinking", text: "Hm.", vendor },
    { type: "opaque", vendor },
    { ...text("So."), vendor },
    { type: "toolCall", toolCallId: "call_0", name: "add", input: {}, vendor },
  )
  expect(promptFor(message)).toEqual([
    {
      role: "assistant",
      content: [text("So."), { type: "tool-call", toolCallId: "call_0", toolName: "add", input: {} }],
    },
  ])
})

test("neither blank text nor an empty message is sent", () => {
  expect(promptFor(user(text(" ")), assistant(text("\n")), user(text("Hi"), text("")))).toEqual([
    { role: "user", content: [text("Hi")] },
  ])
})

const png = { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } } as const
const linked = { type: "image", source: { type: "url", url: "https://x.test/a" } } as const
const pngFile = { type: "file", mediaType: "image/png", data: { type: "data", data: "iVBO" } }
const linkedFile = {
  type: "file",
  mediaType: "image/*",
  data: { type: "url", url: new URL("https://x.test/a") },
}

test("images are files", () => {
  expect(promptFor(user(png, linked))[0]?.content).toEqual([pngFile, linkedFile])
})

test("results follow their calls in order, with the call's name and the received id", () => {
  const some: readonly ToolResult[] = [
    { type: "json", value: { sum: 3 } },
    { type: "json", value: "three" },
    { type: "content", content: [text("A"), png] },
    { type: "error", code: "overflow", message: "Too much." },
    { type: "json", value: { sum: 3 }, isError: true },
    { type: "json", value: { sum: 3 }, isError: true, warning: "Odd." },
    { type: "json", value: "three", warning: "Odd." },
    { type: "content", content: [text("A")], isError: true },
  ]
  const calls = Array.from({ length: 7 }, (_, index) => call(index + 1))
  const asked = assistant(call(0, { id: "theirs" }), ...calls)
  const [, answer, ...rest] = promptFor(asked, user(text("By the way")), results(...some)).map(
    ({ role, content }) => ({ role, content }),
  )
  const result = (toolCallId: string, output: object) => ({
    type: "tool-result",
    toolCallId,
    toolName: "add",
    output,
  })
  expect(answer).toEqual({
    role: "tool",
    content: [
      result("theirs", { type: "json", value: { sum: 3 } }),
      result("call_1", { type: "text", value: "three" }),
      result("call_2", { type: "content", value: [text("A"), pngFile] }),
      result("call_3", { type: "error-text", value: "overflow: Too much." }),
      result("call_4", { type: "error-json", value: { sum: 3 } }),
      result("call_5", { type: "error-text", value: 'Warning: Odd.\n{"sum":3}' }),
      result("call_6", { type: "text", value: "Warning: Odd.\nthree" }),
      result("call_7", {
        type: "content",
        value: [text("Error: The tool reports that it failed. Its result follows."), text("A")],
      }),
    ],
  })
  expect(rest).toEqual([{ role: "user", content: [text("By the way")] }])
})

test("version 6 receives files in its own forms, and none of the parts that it does not know", () => {
  const custom = { type: "custom", kind: "test.compaction" }
  const prompt = promptFor(
    user(png, linked),
    assistant(
      { type: "opaque", vendor: { provider: "ai-sdk/test", data: {} }, ...own({ part: custom }) },
      call(0),
    ),
    results({ type: "content", content: [png, linked] }),
  )
  expect(toPromptV3(prompt).map(({ content }) => content)).toMatchObject([
    [{ data: "iVBO" }, { data: new URL("https://x.test/a") }],
    [{ type: "tool-call" }],
    [
      {
        output: {
          value: [
            { type: "image-data", data: "iVBO", mediaType: "image/png" },
            { type: "image-url", url: "https://x.test/a" },
          ],
        },
      },
    ],
  ])
})
