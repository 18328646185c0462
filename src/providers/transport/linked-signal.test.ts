import { getEventListeners } from "node:events"
import { expect, test } from "vitest"
import { linkedSignal } from "./linked-signal.ts"

test("it aborts with the signal, also one that is aborted already, and for the same reason", () => {
  const controller = new AbortController()
  const before = linkedSignal(controller.signal)
  expect(before.signal.aborted).toBe(false)
  controller.abort("enough")
  for (const linked of [before, linkedSignal(controller.signal)]) {
    expect(linked.signal.reason).toBe("enough")
  }
})

test("once released it leaves nothing on the signal", () => {
  const controller = new AbortController()
  const linked = linkedSignal(controller.signal)
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(1)
  linked.release()
  expect(getEventListeners(controller.signal, "abort")).toEqual([])
})
