import { expect, test } from "vitest"
import { createCharge } from "./charge.ts"
import type { DiskSpace } from "./space.ts"

const none = { bytes: 0, entries: 0 }

function spaceOf(freeBytes: number, freeEntries = 1_000): DiskSpace {
  return { freeBytes, freeEntries, reservedBytes: 0, missing: none, spare: none, margin: none }
}

test("the bytes that its processes wrote are charged, even if others freed more", () => {
  const charge = createCharge()
  charge.clear({ bytes: 10, entries: 1 }, spaceOf(1_000), { "7 100": 50 })
  const seen = { bytes: 12, entries: 2 }
  expect(charge.chargeFor(seen, spaceOf(5_000), { "7 100": 80, "9 200": 5 })).toEqual({
    bytes: 45,
    entries: 2,
  })
})

test("a process with the number of an ended one is another process", () => {
  const charge = createCharge()
  charge.clear(none, spaceOf(1_000), { "7 100": 50 })
  expect(charge.chargeFor(none, spaceOf(1_000), { "7 300": 40 }).bytes).toBe(40)
})

test("the loss of free space is charged if the kernel counted fewer writes", () => {
  const charge = createCharge()
  charge.clear({ bytes: 10, entries: 1 }, spaceOf(1_000, 500), {})
  expect(charge.chargeFor(none, spaceOf(900, 480), {})).toEqual({ bytes: 110, entries: 21 })
})

test("a file system that does not count entries charges none", () => {
  const charge = createCharge()
  const space = spaceOf(1_000, Number.POSITIVE_INFINITY)
  charge.clear(none, space, {})
  expect(charge.chargeFor(none, space, {})).toEqual(none)
})

test("writes that a measurement did not read are charged later", () => {
  const charge = createCharge()
  charge.clear({ bytes: 30, entries: 1 }, spaceOf(1_000))
  expect(charge.chargeFor(none, spaceOf(1_000), { "7 100": 50 }).bytes).toBe(50)
  charge.clear({ bytes: 30, entries: 1 }, spaceOf(1_000), { "7 100": 50 })
  expect(charge.chargeFor(none, spaceOf(1_000), { "7 100": 50 }).bytes).toBe(30)
})
