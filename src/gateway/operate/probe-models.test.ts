import { expect, test } from "vitest"
import type { ModelRequest } from "../../core/ports/model/provider.ts"
import { createPricing } from "../../kernel/pricing/create-pricing.ts"
import { type ScriptedStep, scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { probeModels } from "./probe-models.ts"

type Script = (request: ModelRequest) => readonly ScriptedStep[]

async function probe(script: Script, { signal = new AbortController().signal, maxTokens = 1_000 } = {}) {
  const provider = scriptedProvider(script)
  const models = [{ provider, model: "main" }]
  const pricing = createPricing({ main: { input: 1, output: 2 } })
  const [found] = await probeModels([{ agent: "agent", models, pricing, maxTokens }], signal)
  return { found, requests: provider.requests }
}

const usage = { inputTokens: 8, outputTokens: 2, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }

test("one call of at most 16 tokens reports its usage and its cost", async () => {
  const { found, requests } = await probe(() => [
    { type: "text", text: "Hi" },
    { type: "end", stopReason: "maxTokens", usage },
  ])
  expect(found).toMatchObject({ agent: "agent", model: "main", failure: null, usage, cost: 0.000012 })
  expect(requests.map(({ maxTokens, tools }) => ({ maxTokens, tools }))).toEqual([
    { maxTokens: 16, tools: [] },
  ])
})

test("a failure is reported, and the call is not repeated", async () => {
  const { found, requests } = await probe(() => [
    {
      type: "failure",
      code: "authentication_failed",
      message: "Refused.",
      detail: "bad key",
      retryable: true,
    },
  ])
  expect(found?.failure).toMatchObject({
    code: "authentication_failed",
    message: "Refused.",
    detail: "bad key",
  })
  expect(requests).toHaveLength(1)
})

test("a provider that refuses such a low limit is called with the agent's own, and stopped at the first progress", async () => {
  const forever = new Promise(() => {})
  const { found, requests } = await probe(({ maxTokens }) =>
    maxTokens === 16
      ? [{ type: "failure", code: "invalid_request" }]
      : [
          { type: "text", text: "He" },
          { type: "wait", until: forever },
        ],
  )
  expect(found).toMatchObject({ failure: null, usage: null, cost: null })
  expect(requests.map(({ maxTokens }) => maxTokens)).toEqual([16, 1_000])
})

test("an abort ends a call that never responds", async () => {
  const stop = new AbortController()
  const probing = probe(() => [{ type: "wait", until: new Promise(() => {}) }], { signal: stop.signal })
  stop.abort(new Error("stopped"))
  await expect(probing).rejects.toThrow("stopped")
})
