import { expect, it } from "vitest"
import type { Provider } from "../../../core/ports/model/provider.ts"
import { thinkingLevels } from "../../../core/thinking-level.ts"
import { type ScriptedStep, scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

const thinkingLevel = "high"
const thinks = { thinkingLevels: () => thinkingLevels }
const scripted = (steps: readonly ScriptedStep[], traits: Partial<Provider> = thinks) =>
  Object.assign(scriptedProvider([steps]), traits)

it("a request has the level", async () => {
  const provider = scripted([{ type: "text", text: "Hi." }])
  await runLoop(createMemoryRun(provider, { thinkingLevel }).context)
  expect(provider.requests).toMatchObject([{ thinkingLevel }])
})

it("a request has no level without the option", async () => {
  const provider = scripted([{ type: "text", text: "Hi." }])
  await runLoop(createMemoryRun(provider).context)
  expect(provider.requests[0]).not.toHaveProperty("thinkingLevel")
})

it("a fallback model that does not offer the level is called without it", async () => {
  const first = scripted([{ type: "failure", code: "overloaded", retryable: false }])
  const second = scripted([{ type: "text", text: "Hi." }], { thinkingLevels: () => ["none"] })
  const models = [
    { provider: first, model: "first" },
    { provider: second, model: "second" },
  ] as const
  const run = createMemoryRun(first, { thinkingLevel, models })
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  expect(second.requests[0]).not.toHaveProperty("thinkingLevel")
})

it.each([
  ["names the level if the service refused it", { thinkingLevel }, "Unsupported value: 'reasoning.effort'"],
  ["stays as it is if the service refused something else", { thinkingLevel }, "Unknown field: tools"],
  ["stays as it is without a level", {}, "thinking.type: unexpected value"],
] as const)("the error of a run %s", async (name, options, detail) => {
  const provider = scripted([{ type: "failure", code: "invalid_request", detail }])
  const run = createMemoryRun(provider, options)
  await runLoop(run.context)
  const code = name.startsWith("names") ? "thinking_not_supported" : "invalid_request"
  const message = name.startsWith("names")
    ? expect.stringContaining('thinkingLevel "high"')
    : expect.any(String)
  expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code, message })
})
