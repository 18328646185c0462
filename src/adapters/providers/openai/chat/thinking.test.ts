import { expect, test } from "vitest"
import type { ModelRequest } from "../../../../core/ports/model/provider.ts"
import { type ThinkingLevel, thinkingLevels } from "../../../../core/thinking-level.ts"
import { findHostTraits } from "./hosts.ts"
import { createChatRequest } from "./request.ts"
import { listThinkingLevels } from "./thinking.ts"

const request: ModelRequest = { model: "gpt-6", system: [], messages: [], tools: [], maxTokens: 50 }

test.each<[string, readonly [ThinkingLevel, object][]]>([
  [
    "https://api.openai.com/v1",
    [
      ["none", { reasoning_effort: "none" }],
      ["minimal", { reasoning_effort: "minimal" }],
      ["max", { reasoning_effort: "max" }],
    ],
  ],
  [
    "http://127.0.0.1:11434/v1",
    [
      ["none", { reasoning_effort: "none" }],
      ["minimal", { reasoning_effort: "low" }],
      ["medium", { reasoning_effort: "medium" }],
      ["max", { reasoning_effort: "high" }],
    ],
  ],
  [
    "https://openrouter.ai/api/v1",
    [
      ["none", { reasoning: { effort: "none" } }],
      ["max", { reasoning: { effort: "xhigh" } }],
    ],
  ],
  [
    "https://api.deepseek.com/v1",
    [
      ["none", { thinking: { type: "disabled" } }],
      ["low", { thinking: { type: "enabled" } }],
    ],
  ],
])("%s receives a level in its own form", (baseURL, levels) => {
  for (const [thinkingLevel, fields] of levels) {
    const body = createChatRequest({ ...request, thinkingLevel }, findHostTraits(baseURL), {
      vendor: "openai-chat",
      extraBody: { reasoning_effort: "low", reasoning: {}, thinking: {} },
    })
    expect(body).toMatchObject(fields)
  }
  const without = createChatRequest(request, findHostTraits(baseURL), { vendor: "openai-chat" })
  for (const field of ["reasoning_effort", "reasoning", "thinking"]) expect(without).not.toHaveProperty(field)
})

test("models without reasoning offer no level, and receive no field", () => {
  expect(listThinkingLevels("openAi", "gpt-4.1-mini")).toEqual(["none"])
  const asked = { ...request, model: "gpt-4.1-mini", thinkingLevel: "none" } as const
  const body = createChatRequest(asked, findHostTraits("https://api.openai.com/v1"), {
    vendor: "openai-chat",
  })
  expect(body).not.toHaveProperty("reasoning_effort")
})

test("a provider that refuses unknown fields offers no level", () => {
  expect(listThinkingLevels(findHostTraits("https://api.mistral.ai/v1").thinking, "magistral")).toEqual([])
  expect(listThinkingLevels("effort", "qwen3")).toEqual(thinkingLevels)
})
