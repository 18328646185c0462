import { expect, test } from "vitest"
import { noUsage } from "../../../core/usage.ts"
import { describeOutcome } from "./describe-outcome.ts"

test("a model receives the cost of a sub-agent without meaningless digits", () => {
  const outcome = {
    outcome: "completed",
    reason: null,
    response: "Done.",
    output: null,
    error: null,
  } as const
  const cost = 0.003 + 0.006
  expect(String(cost)).toBe("0.009000000000000001")
  expect(describeOutcome({ ...outcome, spent: { usage: noUsage, cost }, charged: 0 })).toMatchObject({
    usage: { estimated_cost: 0.009 },
  })
})
