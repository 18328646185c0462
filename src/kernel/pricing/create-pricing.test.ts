import { describe, expect, it } from "vitest"
import { noUsage, type Usage } from "../../core/usage.ts"
import { createPricing } from "./create-pricing.ts"

const pricing = createPricing()
const cost = (priceList: string | undefined, model: string, usage: Partial<Usage> = {}) =>
  pricing.cost({ priceList, model, usage: { ...noUsage, ...usage } })

describe("the listed price of a call", () => {
  // US dollars per million tokens, computed by hand. Claude Sonnet 4.5: 3 input, 15 output, 0.30 cache read, 3.75
  // cache write.
  it.each([
    ["input and output", { inputTokens: 1_000, outputTokens: 100 }, 0.003 + 0.0015],
    [
      "what a cache was read for, beside the input",
      { inputTokens: 10, cacheReadInputTokens: 50_000 },
      0.00003 + 0.015,
    ],
    ["what a cache was written for", { inputTokens: 10, cacheCreationInputTokens: 4_000 }, 0.00003 + 0.015],
    [
      "a dearer tier for a long prompt, cached tokens counted",
      { inputTokens: 1_000, cacheReadInputTokens: 249_000, outputTokens: 100 },
      0.006 + 0.1494 + 0.00225,
    ],
  ])("of Claude Sonnet 4.5 has %s", (_, usage, dollars) => {
    expect(cost("anthropic", "claude-sonnet-4-5", usage)).toBeCloseTo(dollars, 10)
    expect(cost("anthropic", "claude-sonnet-4-5-20250929", usage)).toBeCloseTo(dollars, 10)
  })

  it("of a GPT counts cache writes as input, because the provider does not charge for them", () => {
    // GPT-5: 1.25 input, 10 output, 0.125 cache read.
    const usage = {
      inputTokens: 2_000,
      cacheReadInputTokens: 8_000,
      cacheCreationInputTokens: 1_000,
      outputTokens: 500,
    }
    expect(cost("openai", "gpt-5", usage)).toBeCloseTo(0.0025 + 0.001 + 0.00125 + 0.005, 10)
  })

  it("is that of a model newer than the bundled list", () => {
    // Claude Sonnet 5.5: 2 input, 10 output, 0.20 cache read, 2.50 cache write.
    const usage = {
      inputTokens: 1_000_000,
      outputTokens: 1_000_000,
      cacheReadInputTokens: 1_000_000,
      cacheCreationInputTokens: 1_000_000,
    }
    expect(cost("anthropic", "claude-sonnet-5-5", usage)).toBeCloseTo(14.7, 10)
    expect(cost("anthropic", "claude-sonnet-5-5-20260929", usage)).toBeCloseTo(14.7, 10)
  })

  it.each([
    ["a model that is not listed", "anthropic", "claude-sonnet-99"],
    ["a newer version of a listed model", "anthropic", "claude-sonnet-5-9"],
    ["a model that writes no text", "openai", "text-embedding-3-small"],
    ["a name that objects inherit", "anthropic", "toString"],
    ["a list that there is not", "acme", "gpt-5"],
    ["a service whose prices nobody knows", undefined, "gpt-5"],
  ])("is unknown for %s", (_, priceList, model) => {
    expect(cost(priceList, model, { inputTokens: 1 })).toBeNull()
  })

  it("is zero for free models, and for no tokens", () => {
    expect(cost("free", "llama", { inputTokens: 1_000, outputTokens: 1_000 })).toBe(0)
    expect(cost("openai", "gpt-5")).toBe(0)
  })
})

describe("a custom price", () => {
  const usage = {
    inputTokens: 1_000_000,
    outputTokens: 100_000,
    cacheReadInputTokens: 500_000,
    cacheCreationInputTokens: 200_000,
  }

  it.each(["openai", "free", undefined])("takes precedence over the list %s", (priceList) => {
    const own = createPricing({ "gpt-5": { input: 4, output: 20, cacheRead: 1, cacheWrite: 6 } })
    expect(own.cost({ priceList, model: "gpt-5", usage })).toBeCloseTo(4 + 2 + 0.5 + 1.2, 10)
  })

  it("defaults to the input price for cache reads and 1.25 times that for cache writes", () => {
    const own = createPricing({ mine: { input: 4, output: 20 } })
    expect(own.cost({ priceList: undefined, model: "mine", usage })).toBeCloseTo(4 + 2 + 2 + 1, 10)
  })

  it("applies to exactly that model", () => {
    const own = createPricing({ mine: { input: 4, output: 20 } })
    expect(own.cost({ priceList: undefined, model: "mine-2", usage })).toBeNull()
    expect(own.cost({ priceList: "free", model: "constructor", usage })).toBe(0)
  })
})
