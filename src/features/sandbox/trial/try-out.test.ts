import { expect, test } from "vitest"
import { describeUnheld } from "./try-out.ts"

test("limits that do not hold are named with the reason, once for all that share it", () => {
  const reason = "control groups are not permitted"
  const unheld = [
    { limit: "memory", reason },
    { limit: "processor time", reason },
    { limit: "memory", reason: "swap is not counted" },
  ] as const
  expect(describeUnheld(unheld)).toBe(
    "does not limit memory, processor time: control groups are not permitted; does not limit " +
      "memory: swap is not counted",
  )
})
