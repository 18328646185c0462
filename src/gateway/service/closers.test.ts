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

it("closes all other parts if some cannot close, and rejects with their errors at the end", async () => {
  const closers = createClosers()
  const closed: string[] = []
  const fail = (message: string) => () => {
    throw new Error(message)
  }
  closers.add("runs", fail("stuck"))
  closers.add("runs", async () => void closed.push("runs"))
  closers.add("store", () => void closed.push("store"))
  await expect(closers.closeAll(0)).rejects.toThrow(/^stuck$/)
  expect(closed).toEqual(["runs", "store"])
  closers.add("parts", fail("lost"))
  await expect(closers.closeAll(0)).rejects.toThrow(/^stuck; lost$/)
})
