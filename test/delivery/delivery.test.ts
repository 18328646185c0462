import { expect, test } from "vitest"
import { createRandom } from "../crash/support/random.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { play } from "./support/play.ts"

// After each kill, a process must start, and the claimed rows are due again after half a minute.

test("kills lose no webhook, repeat only deliveries with an id, and leave uncertain messages listed", async () => {
  const { violations, kills, runs } = await play({
    store: await temporaryFolder(),
    kills: 8,
    random: createRandom("delivery"),
  })
  expect(violations).toEqual([])
  expect(kills).toBe(8)
  expect(runs).toBeGreaterThanOrEqual(8)
})
