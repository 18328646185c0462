import { getEventListeners } from "node:events"
import { expect, test } from "vitest"
import { linkSignal } from "./linked-signal.ts"

test("it aborts with the signal, also one that is aborted already, and for the same reason", () => {
  const controller = new AbortController()
  const before = linkSignal(controller.signal)
  expect(before.signal.aborted).toBe(false)
  controller.abort("enough")
  for (const linked of [before, linkSignal(controller.signal)]) {
    expect(linked.signal.reason).toBe("enough")
  }
})

test("once released it leaves nothing on the signal", () => {
  const controller = new AbortController()
  const linked = linkSignal(controller.signal)
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(1)
  linked.release()
  expect(getEventListeners(controller.signal, "abort")).toEqual([])
})
