import { afterEach, describe, expect, test } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Provider } from "../../../core/ports/model/provider.ts"
import { formatChatEvent } from "../../../testing/provider/openai-chat-wire.ts"
import { createResponsesEvents } from "../../../testing/provider/openai-responses-wire.ts"
import { type ScriptedUpstream, startScriptedUpstream } from "../../../testing/provider/scripted-upstream.ts"
import { collectEvents, createResults, endOf, toAssistantMessage } from "./fixtures/call.ts"
import { openAiChatProvider } from "./openai-chat-provider.ts"
import { openAiProvider } from "./openai-provider.ts"
import { createVendorTag } from "./vendor-tag.ts"

test.each([
  ["https://api.openai.com/v1", "openai"],
  ["https://api.openai.com:443/v1/", "openai"],
  ["https://API.openai.com", "openai"],
  ["https://eu.api.openai.com/v1", "openai@eu.api.openai.com"],
  ["http://user:secret@localhost:8080/v1?key=secret", "openai@localhost:8080"],
])("data of %s is marked %s", (baseURL, tag) => {
  expect(createVendorTag("openai", baseURL)).toBe(tag)
})

const vendorOwn = { extra_content: { google: { thought_signature: "sig-a" } } }

const chatAnswer = [
  { reasoning_details: [{ type: "reasoning.encrypted", data: "sig-a", index: 0 }] },
  { tool_calls: [{ index: 0, id: "id-a", function: { name: "add", arguments: "{}" }, ...vendorOwn }] },
].map((delta) => formatChatEvent({ choices: [{ index: 0, delta, finish_reason: null }] }))

const providers: readonly {
  readonly name: string
  readonly make: (baseURL: string) => Provider
  readonly answer: readonly string[]
}[] = [
  {
    name: "Responses",
    make: (baseURL) => openAiProvider({ baseURL }),
    answer: createResponsesEvents([
      { type: "reasoning", summary: ["Hm."], encrypted: "sig-a" },
      { type: "toolCall", id: "id-a", name: "add", json: "{}" },
    ]),
  },
  {
    name: "Chat Completions",
    make: (baseURL) => openAiChatProvider({ baseURL, sendReasoning: "reasoning_details" }),
    answer: [...chatAnswer, "data: [DONE]\n\n"],
  },
]

const upstreams: ScriptedUpstream[] = []

afterEach(async () => {
  await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()))
})

describe.each(providers)("$name", ({ make, answer }) => {
  test("vendor data is sent back to its provider, and to none at another address", async () => {
    const first = await serving(answer)
    const second = await serving(answer)
    const said = toAssistantMessage(endOf(await collectEvents(make(first.url))))
    const messages = [said, createResults(said, 1)]
    for (const { url } of [first, second]) await collectEvents(make(url), { messages })
    const sent = ({ requests }: ScriptedUpstream) => JSON.stringify(requests.at(-1)?.body as JsonObject)
    expect(sent(first)).toMatch(/sig-a.*id-a/)
    expect(sent(second)).toContain('"add"')
    expect(sent(second)).not.toMatch(/sig-a|id-a/)
  })
})

async function serving(answer: readonly string[]): Promise<ScriptedUpstream> {
  const upstream = await startScriptedUpstream(() => ({ steps: answer }))
  upstreams.push(upstream)
  return upstream
}
