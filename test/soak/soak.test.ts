import { expect, test } from "vitest"
import type { Counts } from "./support/client.ts"
import { leftOver, soak } from "./support/soak.ts"

// `npm run test:soak` runs the same test for half an hour and also compares the heap.
test("a gateway under a mixed load keeps no descriptor, timer or connection", {
  timeout: 120_000,
}, async () => {
  let counts: Counts = {}
  const samples = await soak({
    warmUpMs: 5_000,
    roundMs: 3_000,
    rounds: 1,
    onSample: (_sample, counted) => {
      counts = { ...counted }
    },
  })
  const [first, last] = samples
  if (first === undefined || last === undefined) throw new Error("There are no samples.")
  expect(leftOver(first, last)).toEqual([])
  expect(Object.keys(counts)).toHaveLength(6)
})
