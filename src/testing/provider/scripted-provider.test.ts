import { expect, test } from "vitest"
import type { ModelEvent, ModelRequest, Provider } from "../../core/ports/model/provider.ts"
import { scriptedProvider } from "./scripted-provider.ts"

const request: ModelRequest = { model: "some-model", system: [], messages: [], tools: [], maxTokens: 10 }

async function call(provider: Provider, signal = new AbortController().signal): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of provider.stream(request, { signal })) events.push(event)
  return events
}

test("chunks become deltas of one part, and the end contains the whole", async () => {
  const provider = scriptedProvider([
    [
      { type: "thinking", text: "Hm" },
      { type: "thinking", text: "m.", vendor: { provider: "scripted", data: { signature: "s" } } },
      { type: "text", text: "Hel" },
      { type: "text", text: "lo" },
      { type: "toolCall", name: "add", input: { a: 1 } },
    ],
  ])
  expect(await call(provider)).toEqual([
    { type: "thinkingDelta", part: 0, text: "Hm" },
    { type: "thinkingDelta", part: 0, text: "m." },
    { type: "textDelta", part: 1, text: "Hel" },
    { type: "textDelta", part: 1, text: "lo" },
    expect.objectContaining({
      type: "end",
      model: "some-model",
      stopReason: "toolCalls",
      content: [
        { type: "thinking", text: "Hmm.", vendor: { provider: "scripted", data: { signature: "s" } } },
        { type: "text", text: "Hello" },
        { type: "toolCall", name: "add", input: { a: 1 } },
      ],
    }),
  ])
  expect(provider.requests).toEqual([request])
})

test("each call plays the next turn, and a turn may depend on the request", async () => {
  const provider = scriptedProvider([[], ({ model }) => [{ type: "text", text: model }]])
  await call(provider)
  expect(await call(provider)).toContainEqual({ type: "textDelta", part: 0, text: "some-model" })
})

test("a call past the script's end throws", async () => {
  await expect(call(scriptedProvider([]))).rejects.toThrow("no turn for model call 1")
})

test("a function instead of a script answers every call", async () => {
  const provider = scriptedProvider(() => [{ type: "text", text: "Again" }])
  expect(await call(provider)).toEqual(await call(provider))
})

test("a failure ends the turn with one error event", async () => {
  const provider = scriptedProvider([
    [
      { type: "failure", code: "overloaded", retryable: true, retryAfterMs: 5 },
      { type: "text", text: "no" },
    ],
  ])
  expect(await call(provider)).toEqual([
    {
      type: "error",
      code: "overloaded",
      message: expect.stringContaining("overloaded"),
      retryable: true,
      retryAfterMs: 5,
    },
  ])
})

test("a provider that breaks its contract can be simulated", async () => {
  const provider = scriptedProvider([[{ type: "throw", error: new Error("broken") }]])
  await expect(call(provider)).rejects.toThrow("broken")
})

test("it waits for a promise, and an abort ends the wait without an event", async () => {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<void>()
  const provider = scriptedProvider([
    [
      { type: "wait", until: promise },
      { type: "text", text: "after" },
      { type: "wait", until: new Promise(() => {}) },
      { type: "text", text: "never" },
    ],
  ])
  const stream = provider.stream(request, { signal: controller.signal })[Symbol.asyncIterator]()
  const first = stream.next()
  resolve()
  expect(await first).toEqual({ done: false, value: { type: "textDelta", part: 0, text: "after" } })
  const second = stream.next()
  controller.abort()
  expect(await second).toEqual({ done: true, value: undefined })
})
