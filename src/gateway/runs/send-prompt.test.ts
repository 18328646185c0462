import { describe, expect, it, vi } from "vitest"
import { z } from "zod"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { sendPrompt } from "./send-prompt.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const say = (text: string) => ({ type: "text", text }) as const
const usage = {
  inputTokens: 1_000,
  outputTokens: 100,
  cacheCreationInputTokens: 0,
  cacheReadInputTokens: 0,
}
const end = { type: "end", usage, model: "scripted-2026" } as const

describe("a single prompt", () => {
  it("resolves to the text, the usage and the cost", async () => {
    const provider = scriptedProvider([[say("Hel"), say("lo"), end]])
    const onText = vi.fn()
    const prices = { "scripted-model": { input: 2, output: 10 } }
    const answer = await sendPrompt("Hi", {
      provider,
      system: "Be brief.",
      maxTokens: 50,
      prices,
      onText,
      logger,
    })
    expect(answer).toEqual({ text: "Hello", output: null, usage, cost: 0.003, model: "scripted-2026" })
    expect(onText.mock.calls.flat().join("")).toBe("Hello")
    expect(provider.requests).toMatchObject([
      { system: [{ text: "Be brief." }], maxTokens: 50, messages: [{ role: "user" }], tools: [] },
    ])
  })

  it("resolves to the parsed output of a schema", async () => {
    const provider = scriptedProvider([[say('{"city":"Oslo","people":717710}')]])
    const schema = z.object({ city: z.string(), people: z.number().transform((count) => count / 1_000) })
    const { output } = await sendPrompt("Oslo?", { provider, output: schema, logger })
    expect(output?.people).toBe(717.71)
    expect(output).toEqual({ city: "Oslo", people: 717.71 })
  })

  it("uses the fallback when its provider fails", async () => {
    const failing = scriptedProvider([[{ type: "failure", code: "quota_exceeded" }]])
    const fallback = [{ provider: scriptedProvider([[say("Hello")]]), model: "other" }]
    expect(await sendPrompt("Hi", { provider: failing, fallback, logger })).toMatchObject({
      text: "Hello",
      model: "other",
    })
  })
})

describe("a prompt without a complete response rejects", () => {
  it.each([
    ["authentication_failed", [{ type: "failure", code: "authentication_failed" }]],
    ["max_tokens", [say("Hel"), { type: "end", stopReason: "maxTokens" }]],
  ] as const)("with the code %s", async (code, turn) => {
    const provider = scriptedProvider([turn])
    await expect(sendPrompt("Hi", { provider, logger })).rejects.toMatchObject({ code, name: "GatewayError" })
  })

  it("with `budget` before a call that could exceed it", async () => {
    const provider = scriptedProvider([])
    const prices = { "scripted-model": { input: 2, output: 10 } }
    const asking = sendPrompt("Hi", { provider, prices, maxBudgetUsd: 0.01, logger })
    await expect(asking).rejects.toMatchObject({ code: "budget" })
    expect(provider.requests).toEqual([])
  })

  it("with the reason of the signal", async () => {
    const provider = scriptedProvider([[say("Half"), { type: "wait", until: new Promise(() => {}) }]])
    const stop = new AbortController()
    const reason = new Error("enough")
    const asking = sendPrompt("Hi", {
      provider,
      signal: stop.signal,
      onText: () => stop.abort(reason),
      logger,
    })
    await expect(asking).rejects.toBe(reason)
  })

  it("for unknown options, naming them", async () => {
    await expect(sendPrompt("Hi", { provider: "demo", temperature: 1 } as never)).rejects.toThrow(
      "temperature",
    )
  })
})
