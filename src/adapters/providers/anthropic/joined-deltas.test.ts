import { expect, onTestFinished, test } from "vitest"
import { anthropicErrorEvent, anthropicEvents } from "../../../testing/provider/anthropic-wire.ts"
import { startScriptedUpstream } from "../../../testing/provider/scripted-upstream.ts"
import { anthropicProvider } from "./anthropic-provider.ts"

const words = anthropicEvents([{ type: "text", text: ["One ", "two ", "three"] }])
const broken = [...words.slice(0, 4), anthropicErrorEvent("overloaded_error", "Overloaded")]

test.each([
  ["", words, "One two three"],
  [", also before an error", broken, "One two "],
])("text that arrives in one read is one delta%s", async (_, events, text) => {
  const upstream = await startScriptedUpstream([{ steps: [events.join("")] }])
  onTestFinished(() => upstream.close())
  const provider = anthropicProvider({ apiKey: "sk-ant-test-0123456789", baseURL: upstream.url })
  const request = { model: "claude-test", system: [], messages: [], tools: [], maxTokens: 50 }
  const deltas: string[] = []
  for await (const event of provider.stream(request, { signal: new AbortController().signal })) {
    if ("text" in event) deltas.push(event.text)
  }
  expect(deltas).toEqual([text])
})
