import { expect, test } from "vitest"
import { createSlots } from "./slots.ts"

const never = new AbortController().signal

test("those past the capacity wait in order, and an aborted one is passed over", async () => {
  const slots = createSlots(1)
  const giveBack = await slots.take(never)
  const order: string[] = []
  const stop = new AbortController()
  const waiting = [
    slots.take(stop.signal).catch((error: Error) => order.push(error.message)),
    slots.take(never).then((back) => [order.push("second"), back()]),
    slots.take(never).then((back) => [order.push("third"), back()]),
  ]
  stop.abort(new Error("aborted"))
  giveBack()
  giveBack()
  await Promise.all(waiting)
  expect(order).toEqual(["aborted", "second", "third"])
  const again = await slots.take(never)
  let taken = false
  const next = slots.take(never).then(() => {
    taken = true
  })
  await Promise.resolve()
  expect(taken).toBe(false)
  again()
  await next
})
