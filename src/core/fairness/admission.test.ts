import { expect, it, vi } from "vitest"
import { type AdmissionOptions, createAdmission } from "./admission.ts"

const never = new AbortController().signal
const ownerOf = (tenant: string) => ({ tenant, userId: "ann" })

/**
 * Creates an admission to 10 places, of which one tenant may have 5. Records the tenants in the order of their starts.
 */
function openAdmission(options: Partial<AdmissionOptions<number>> = {}) {
  const held = new Map<string, number>()
  const started: string[] = []
  const sum = () => [...held.values()].reduce((total, places) => total + places, 0)
  const admission = createAdmission<number>({
    decide({ tenant }, places) {
      if ((held.get(tenant) ?? 0) + places > 5) return "later"
      return sum() + places <= 10 ? "now" : "next"
    },
    start({ tenant }, places) {
      held.set(tenant, (held.get(tenant) ?? 0) + places)
      started.push(tenant)
    },
    end: ({ tenant }, places) => void held.set(tenant, (held.get(tenant) ?? 0) - places),
    ...options,
  })
  const enter = (tenant: string, places: number, signal = never) =>
    admission.enter(ownerOf(tenant), places, signal)
  return { enter, started }
}

it("lets others pass work that waits for its own owner, and none pass work that is next", async () => {
  const { enter, started } = openAdmission()
  const endA = await enter("a", 5)
  void enter("a", 1)
  const endB = await enter("b", 3)
  void enter("c", 4)
  void enter("d", 2)
  expect(started).toEqual(["a", "b"])
  endB()
  endB()
  expect(started).toEqual(["a", "b", "c"])
  endA()
  expect(started).toEqual(["a", "b", "c", "a", "d"])
})

it("starts what waits behind work that stops waiting", async () => {
  const { enter, started } = openAdmission()
  await Promise.all([enter("a", 5), enter("b", 4)])
  const stop = new AbortController()
  const leaving = enter("c", 3, stop.signal)
  const behind = enter("d", 1)
  stop.abort(new Error("stopped"))
  await expect(leaving).rejects.toThrow("stopped")
  await behind
  expect(started).toEqual(["a", "b", "d"])
})

it("lets later work start after the next work was refused because the queue is full", async () => {
  const { enter, started } = openAdmission({ maxWaiting: 1 })
  await Promise.all([enter("a", 5), enter("b", 4)])
  void enter("a", 1)
  await expect(enter("c", 3)).rejects.toMatchObject({ code: "overloaded" })
  await enter("d", 1)
  expect(started).toEqual(["a", "b", "d"])
})

it("asks no waiting work again when work leaves that holds nothing up", async () => {
  const decide = vi.fn<AdmissionOptions<number>["decide"]>((_, places) => (places > 5 ? "later" : "next"))
  const { enter } = openAdmission({ decide })
  const stop = new AbortController()
  const leaving = enter("a", 6, stop.signal)
  void enter("b", 5)
  void enter("c", 6)
  expect(decide).toHaveBeenCalledTimes(2)
  stop.abort(new Error("stopped"))
  await expect(leaving).rejects.toThrow("stopped")
  expect(decide).toHaveBeenCalledTimes(2)
})

it("refuses work beyond the maximum that waits", async () => {
  const { enter } = openAdmission({ maxWaiting: 1 })
  await enter("a", 5)
  void enter("a", 1)
  await expect(enter("a", 1)).rejects.toMatchObject({ code: "overloaded", status: 503, retryable: true })
})
