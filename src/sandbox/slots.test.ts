import { setImmediate } from "node:timers/promises"
import { expect, test } from "vitest"
import { createSlots, type Slots } from "./slots.ts"

const never = new AbortController().signal

test("those past the capacity wait in order, and an aborted one is passed over", async () => {
  const slots = createSlots(1)
  const giveBack = await slots.take("a", never)
  const order: string[] = []
  const stop = new AbortController()
  const waiting = [
    slots.take("a", stop.signal).catch((error: Error) => order.push(error.message)),
    slots.take("a", never).then((back) => [order.push("second"), back()]),
    slots.take("a", never).then((back) => [order.push("third"), back()]),
  ]
  stop.abort(new Error("aborted"))
  giveBack()
  giveBack()
  await Promise.all(waiting)
  expect(order).toEqual(["aborted", "second", "third"])
  const again = await slots.take("a", never)
  let taken = false
  const next = slots.take("a", never).then(() => {
    taken = true
  })
  await Promise.resolve()
  expect(taken).toBe(false)
  again()
  await next
})

/** How many it has once whoever can has taken one. */
async function heldBy(slots: Slots, holder: string, asks: number) {
  const back: (() => void)[] = []
  for (let ask = 0; ask < asks; ask++) void slots.take(holder, never).then((giveBack) => back.push(giveBack))
  await setImmediate()
  return back
}

test("one holder has at most a quarter of them, however many it asks for, and the others pass it", async () => {
  const slots = createSlots(16)
  const greedy = await heldBy(slots, "greedy", 20)
  expect(greedy).toHaveLength(4)
  const others = await Promise.all(["b", "c", "d", "e"].map((holder) => heldBy(slots, holder, 3)))
  expect(others.map(({ length }) => length)).toEqual([3, 3, 3, 3])
  const late = await heldBy(slots, "late", 1)
  expect(late).toHaveLength(0)
  greedy[0]?.()
  await setImmediate()
  expect([greedy.length, late.length]).toEqual([5, 0])
  others[0]?.[0]?.()
  await setImmediate()
  expect([greedy.length, late.length]).toEqual([5, 1])
})

test("of few there is still one for each, and a holder that gave all of its back has its share anew", async () => {
  const slots = createSlots(2)
  for (let round = 0; round < 3; round++) {
    const [first, second] = [await heldBy(slots, "a", 2), await heldBy(slots, "b", 1)]
    expect([first.length, second.length]).toEqual([1, 1])
    first[0]?.()
    await setImmediate()
    expect(first).toHaveLength(2)
    first[1]?.()
    second[0]?.()
  }
})
