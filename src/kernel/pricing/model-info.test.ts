import { expect, it } from "vitest"
import { estimateCost, getModelInfo } from "./model-info.ts"

it("estimates the cost of a call by the list, or by custom prices", () => {
  const call = {
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    usage: { inputTokens: 1_000, outputTokens: 100 },
  }
  expect(estimateCost(call)).toBeCloseTo(0.0045, 10)
  const prices = { "claude-sonnet-4-5": { input: 10, output: 10 } }
  expect(estimateCost({ ...call, prices })).toBeCloseTo(0.011, 10)
  expect(estimateCost({ ...call, model: "unheard-of" })).toBeNull()
})

it("returns the price of a short prompt and the context window of a model", () => {
  expect(getModelInfo("anthropic", "claude-sonnet-4-5")).toEqual({
    id: "claude-sonnet-4-5",
    provider: "anthropic",
    contextWindow: 200_000,
    price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
  })
  expect(getModelInfo("openai", "gpt-5")).toMatchObject({
    price: { input: 1.25, output: 10, cacheRead: 0.125 },
  })
  expect(getModelInfo("anthropic", "unheard-of")).toBeNull()
  expect(getModelInfo("nowhere", "gpt-5")).toBeNull()
})
