import { expect, it } from "vitest"
import { createClosers } from "./closers.ts"

it("closes the parts by their stages, and those of one stage at the same time", async () => {
  const closers = createClosers()
  const log: string[] = []
  const closeSlowly = (name: string) => async (graceMs: number) => {
    log.push(`${name} closes with ${graceMs}`)
    await Promise.resolve()
    log.push(`${name} is closed`)
  }
  closers.add("store", closeSlowly("store"))
  closers.add("parts", closeSlowly("images"))
  closers.add("parts", closeSlowly("schemas"))
  closers.add("start", () => closers.add("intervals", closeSlowly("late part")))
  await closers.closeAll(5)
  expect(log).toEqual([
    "late part closes with 5",
    "late part is closed",
    "images closes with 5",
    "schemas closes with 5",
    "images is closed",
    "schemas is closed",
    "store closes with 5",
    "store is closed",
  ])
})

it("rejects if a part cannot close", async () => {
  const closers = createClosers()
  closers.add("parts", () => {
    throw new Error("stuck")
  })
  await expect(closers.closeAll(0)).rejects.toThrow("stuck")
})
