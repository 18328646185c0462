import { expect, it, vi } from "vitest"
import { createLazy } from "./lazy.ts"

it("does the work once, for concurrent and later callers", async () => {
  const work = vi.fn(async () => ({}))
  const ask = createLazy(work)
  expect(work).not.toHaveBeenCalled()
  const [first, second] = await Promise.all([ask(), ask()])
  expect(second).toBe(first)
  expect(await ask()).toBe(first)
  expect(work).toHaveBeenCalledOnce()
})

it("does it again after it failed", async () => {
  const work = vi.fn(async () => "there").mockRejectedValueOnce(new Error("no file handles left"))
  const ask = createLazy(work)
  await expect(Promise.allSettled([ask(), ask()])).resolves.toMatchObject([
    { status: "rejected" },
    { status: "rejected" },
  ])
  await expect(ask()).resolves.toBe("there")
  expect(work).toHaveBeenCalledTimes(2)
})
