import { expect, test } from "vitest"
import { addSpending, noSpending, type Spending } from "./usage.ts"

const spend = (outputTokens: number, reasoningTokens?: number): Spending => ({
  usage: { ...noSpending.usage, outputTokens, ...(reasoningTokens !== undefined && { reasoningTokens }) },
  cost: 1,
})

test("reasoning tokens are summed over the calls that report them", () => {
  const sum = (...all: readonly Spending[]) => all.reduce(addSpending, noSpending).usage
  expect(sum(spend(5), spend(7))).toEqual({ ...noSpending.usage, outputTokens: 12 })
  expect(sum(spend(5, 2), spend(7), spend(9, 4))).toEqual({
    ...noSpending.usage,
    outputTokens: 21,
    reasoningTokens: 6,
  })
})
