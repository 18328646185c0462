import { expect, it } from "vitest"
import { createCutOff } from "./cut-off.ts"

function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

it("begins work again that was held up with the rest of the machine", () => {
  let times = 0
  const value = createCutOff()(100, () => {
    times += 1
    if (times === 1) holdUp(1_000)
    return "done"
  })
  expect(value).toBe("done")
  expect(times).toBeGreaterThan(1)
})

it("gives up work that is always held up", () => {
  let times = 0
  const heldUp = () => {
    times += 1
    holdUp(1_000)
  }
  expect(() => createCutOff()(100, heldUp)).toThrow("it takes longer than 100 ms.")
  expect(times).toBe(3)
})
