import { getEventListeners } from "node:events"
import { expect, test } from "vitest"
import { linkSignal } from "./linked-signal.ts"

test("aborts with the signal for the same reason, even if the signal is already aborted", () => {
  const controller = new AbortController()
  const before = linkSignal(controller.signal)
  expect(before.signal.aborted).toBe(false)
  controller.abort("enough")
  for (const linked of [before, linkSignal(controller.signal)]) {
    expect(linked.signal.reason).toBe("enough")
  }
})

test("leaves no listener on the signal after it is released", () => {
  const controller = new AbortController()
  const linked = linkSignal(controller.signal)
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(1)
  linked.release()
  expect(getEventListeners(controller.signal, "abort")).toEqual([])
})
