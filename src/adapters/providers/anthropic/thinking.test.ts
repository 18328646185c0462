import { describe, expect, test } from "vitest"
import { type ThinkingLevel, thinkingLevels } from "../../../core/thinking-level.ts"
import { anthropicEvents } from "../../../testing/provider/anthropic-wire.ts"
import { startScriptedUpstream } from "../../../testing/provider/scripted-upstream.ts"
import { anthropicProvider } from "./anthropic-provider.ts"
import { createThinkingFields, listThinkingLevels } from "./thinking.ts"

const request = { model: "claude-sonnet-5-5", system: [], messages: [], tools: [], maxTokens: 16_000 }
const fieldsFor = (model: string, thinkingLevel: ThinkingLevel, maxTokens = 16_000) =>
  createThinkingFields({ ...request, model, thinkingLevel, maxTokens }, undefined)

test.each<[ThinkingLevel, string]>([
  ["minimal", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["max", "max"],
])("the level %s is the effort %s", (level, effort) => {
  expect(fieldsFor("claude-sonnet-5-5", level)).toEqual({ thinking: { type: "adaptive" }, effort })
  expect(fieldsFor("claude-opus-4-6", level)).toMatchObject({ effort })
})

describe.each([
  "claude-3-7-sonnet-20250219",
  "claude-sonnet-4-20250514",
  "claude-opus-4-1",
  "claude-haiku-4-5-20251001",
  "anthropic.claude-sonnet-4-5-20250929-v1:0",
])("for %s", (model) => {
  test.each<[ThinkingLevel, number]>([
    ["minimal", 1_024],
    ["low", 3_200],
    ["medium", 6_400],
    ["high", 9_600],
    ["max", 12_800],
  ])("the level %s is a budget of %d", (level, budget_tokens) => {
    expect(fieldsFor(model, level)).toEqual({ thinking: { type: "enabled", budget_tokens } })
  })

  test("a budget leaves room for the response", () => {
    expect(fieldsFor(model, "max", 1_024)).toEqual({ thinking: { type: "disabled" } })
    for (const level of thinkingLevels.slice(1)) {
      expect(fieldsFor(model, level, 1_025)).toMatchObject({ thinking: { budget_tokens: 1_024 } })
    }
  })
})

test("none turns thinking off", () => {
  for (const model of ["claude-sonnet-5-5", "claude-sonnet-4-5"]) {
    expect(fieldsFor(model, "none")).toEqual({ thinking: { type: "disabled" } })
  }
})

test("models without thinking offer no level, and receive no field", () => {
  for (const model of ["claude-3-5-sonnet-20241022", "claude-3-haiku-20240307", "claude-2.1"]) {
    expect(listThinkingLevels(model)).toEqual(["none"])
    expect(fieldsFor(model, "none")).toEqual({})
  }
  expect(listThinkingLevels("claude-3-7-sonnet-20250219")).toEqual(thinkingLevels)
})

test("the level replaces the provider's option, except for the display of thinking", () => {
  const option = { type: "enabled", budget_tokens: 2_000, display: "summarized" } as const
  expect(createThinkingFields(request, option)).toEqual({ thinking: option })
  expect(createThinkingFields({ ...request, thinkingLevel: "high" }, option)).toEqual({
    thinking: { type: "adaptive", display: "summarized" },
    effort: "high",
  })
})

test.each<[string, number, object]>([
  ["claude-sonnet-4-6", 16_000, { thinking: { type: "adaptive" } }],
  ["claude-opus-4-6", 16_000, { thinking: { type: "adaptive" } }],
  ["claude-sonnet-5-5", 16_000, { thinking: { type: "adaptive" } }],
  ["claude-sonnet-4-20250514", 16_000, { thinking: { type: "enabled", budget_tokens: 10_000 } }],
  ["claude-sonnet-4-5-20250929", 16_000, { thinking: { type: "enabled", budget_tokens: 10_000 } }],
  ["claude-opus-4-5", 4_000, { thinking: { type: "enabled", budget_tokens: 2_976 } }],
  ["claude-sonnet-4-6", 2_047, {}],
  ["claude-opus-4-1", 16_000, {}],
  ["claude-haiku-4-5", 16_000, {}],
  ["claude-3-7-sonnet-20250219", 16_000, {}],
  ["claude-3-haiku-20240307", 16_000, {}],
  ["model-of-a-compatible-server", 16_000, {}],
])(
  "without a level and an option, %s with %d tokens has the fields of the default",
  (model, maxTokens, fields) => {
    expect(createThinkingFields({ ...request, model, maxTokens }, undefined)).toEqual(fields)
  },
)

test("the level is sent next to a schema and further fields", async () => {
  const { url, requests, close } = await startScriptedUpstream([
    { steps: anthropicEvents([{ type: "text", text: "Hi" }]) },
  ])
  const extraBody = { output_config: { effort: "low" }, thinking: { type: "disabled" } }
  const outputSchema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] }
  const provider = anthropicProvider({ apiKey: "sk-ant-test", baseURL: url, extraBody })
  const asked = { ...request, outputSchema, thinkingLevel: "max" } as const
  const { signal } = new AbortController()
  for await (const _ of provider.stream(asked, { signal }));
  expect(requests[0]?.body).toMatchObject({
    thinking: { type: "adaptive" },
    output_config: { effort: "max", format: { type: "json_schema" } },
  })
  await close()
})
