import { expect, it } from "vitest"
import { waitForNextSlice } from "./next-slice.ts"

it("lets one caller work in each turn of the event loop, in the order of the calls", async () => {
  const turns: string[][] = [[]]
  let ended = false
  const count = () => {
    turns.push([])
    if (!ended) setImmediate(count)
  }
  setImmediate(count)
  const work = async (name: string) => {
    for (let slice = 1; slice <= 2; slice++) {
      await waitForNextSlice()
      turns.at(-1)?.push(`${name} ${slice}`)
    }
  }
  await Promise.all(["first", "second", "third"].map(work))
  ended = true
  expect(turns.flat()).toEqual(["first 1", "second 1", "third 1", "first 2", "second 2", "third 2"])
  expect(turns.every((slices) => slices.length <= 1)).toBe(true)
})
