import { expect, test } from "vitest"
import { blocksOf } from "../crash/support/model.ts"
import { assemble, types } from "./support/assemble.ts"
import { startGateway } from "./support/gateway-process.ts"
import { answers, startModel } from "./support/model.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const budget = 0.05
const said = "The quick brown fox jumps over the lazy dog. ".repeat(40)
/** The real number of tokens of this text, at four bytes a token. */
const outputTokens = said.length / 4

test.each([
  ["tells the truth", (input: number) => ({ inputTokens: input, outputTokens })],
  ["says that its calls are free", () => ({ inputTokens: 0, outputTokens: 0 })],
  [
    "says a hundredth of it",
    (input: number) => ({
      inputTokens: Math.floor(input / 100),
      outputTokens: Math.floor(outputTokens / 100),
    }),
  ],
  [
    "says as little as can be believed",
    (input: number) => ({
      inputTokens: Math.ceil((input * 4) / 11),
      outputTokens: Math.ceil(said.length / 11),
    }),
  ],
  ["takes money back", () => ({ inputTokens: -5_000_000, outputTokens: -5_000_000 })],
])("a budget is exceeded by at most one call, with a provider that %s", async (_, report) => {
  const costs: number[] = []
  const model = await startModel(({ body }) => {
    const input = JSON.stringify(blocksOf(body)).length / 4
    costs.push((input * 1 + outputTokens * 5) / 1_000_000)
    return answers(
      [
        { type: "text", text: said },
        { type: "toolCall", id: `toolu_${costs.length}`, name: "look", input: {} },
      ],
      report(Math.round(input)),
    )
  })
  const env = { BUDGET_USD: String(budget), MAX_TOKENS: "1000" }
  const folder = await temporaryFolder()
  const gateway = await startGateway({ agent: "faulty-models-agent.ts", folder, model, env })
  const session = await startSession(gateway.url)
  const frames = await (await session.chat("Look around until you are done.")).rest()
  expect(types(frames).slice(-2)).toEqual(["budget_exceeded", "stream_complete"])
  expect(assemble(frames).terminal).toMatchObject({ terminal_disposition: "interrupted", reason: "budget" })
  const paid = costs.reduce((sum, cost) => sum + cost, 0)
  expect(costs.length).toBeGreaterThan(2)
  expect(paid).toBeLessThanOrEqual(budget + Math.max(...costs))
  // The session's history also contains the spending.
  const exceeded = frames.at(-2)?.event
  expect(exceeded).toMatchObject({ budget })
  expect(exceeded?.type === "budget_exceeded" && exceeded.total_cost).toBeLessThanOrEqual(
    budget + Math.max(...costs),
  )
  const { usage } = await session.history()
  expect(usage.estimated_cost).toBeCloseTo(
    exceeded?.type === "budget_exceeded" ? exceeded.total_cost : Number.NaN,
  )
})
