import { expect, it } from "vitest"
import { computeHeapShares } from "./heap-shares.ts"

const megabyte = 1024 * 1024

it.each([
  { heap: 64, parsed: 8, live: 16, history: 16 },
  { heap: 1_536, parsed: 16, live: 32, history: 16 },
  { heap: 16_384, parsed: 48, live: 96, history: 48 },
])("grows with a heap of $heap MiB, within its bounds", ({ heap, parsed, live, history }) => {
  expect(computeHeapShares(heap * megabyte)).toEqual({
    parsedBytes: parsed * megabyte,
    liveBytes: live * megabyte,
    historyBytes: history * megabyte,
  })
})
