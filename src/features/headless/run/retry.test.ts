import { expect, it, vi } from "vitest"
import { createOutput } from "../fixtures/runs.ts"
import { runWithRetry } from "./retry.ts"

const busy = createOutput({ error: "Busy.", errorCode: "overloaded", endedAt: 1_000 })
const noPause = { backoffSeconds: 0 }

it("retries after a transient failure, and reports that", async () => {
  const run = vi
    .fn()
    .mockResolvedValueOnce(busy)
    .mockResolvedValueOnce(busy)
    .mockResolvedValue(createOutput())
  const onRetry = vi.fn()
  expect(await runWithRetry(run, { ...noPause, onRetry })).toMatchObject({ error: null })
  expect(run.mock.calls).toEqual([[1], [2], [3]])
  expect(onRetry.mock.calls).toEqual([
    [{ attempt: 2, error: "Busy.", delaySeconds: 0 }],
    [{ attempt: 3, error: "Busy.", delaySeconds: 0 }],
  ])
})

it("gives up after maxRetries", async () => {
  const run = vi.fn().mockResolvedValue(busy)
  expect(await runWithRetry(run, { ...noPause, maxRetries: 2 })).toBe(busy)
  expect(run).toHaveBeenCalledTimes(3)
})

it.each([
  createOutput({ error: "No key.", errorCode: "authentication_failed" }),
  createOutput({ budgetExceeded: true }),
  createOutput({ parked: true }),
])("does not retry a failure that would happen again", async (failed) => {
  const run = vi.fn().mockResolvedValue(failed)
  expect(await runWithRetry(run, noPause)).toBe(failed)
  expect(run).toHaveBeenCalledOnce()
})

it("repeats a timeout unless told not to", async () => {
  const late = createOutput({ timedOut: true })
  const run = vi.fn().mockResolvedValue(late)
  await runWithRetry(run, { ...noPause, retryOnTimeout: false })
  expect(run).toHaveBeenCalledTimes(1)
  await runWithRetry(run, { ...noPause, maxRetries: 1 })
  expect(run).toHaveBeenCalledTimes(3)
})

it("counts the delay from the end of the failed run, so that a restart does not wait twice", async () => {
  const run = vi.fn().mockResolvedValueOnce(busy).mockResolvedValue(createOutput())
  const hour = { backoffSeconds: 3_600, maxRetries: 1 }
  // An hour and a second after the end of the run.
  expect(await runWithRetry(run, hour, { now: () => 3_602_000 })).toMatchObject({ error: null })
})

it("an abort ends the delay, and starts no further run", async () => {
  const stop = new AbortController()
  const run = vi.fn().mockResolvedValue({ ...busy, endedAt: Date.now() })
  const onRetry = () => stop.abort()
  expect(await runWithRetry(run, { backoffSeconds: 600, onRetry }, { signal: stop.signal })).toMatchObject({
    error: "Busy.",
  })
  expect(run).toHaveBeenCalledOnce()
})

it("throws the last error, and continues when onRetry fails", async () => {
  const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" })
  const run = vi.fn().mockRejectedValue(lost)
  const onRetry = () => {
    throw new Error("no")
  }
  await expect(runWithRetry(run, { ...noPause, maxRetries: 1, onRetry })).rejects.toBe(lost)
  expect(run).toHaveBeenCalledTimes(2)
})

it.each([{ maxRetries: -1 }, { backoffSeconds: [-1] }, { backoff: 1 } as object])(
  "refuses %j",
  async (options) => {
    await expect(runWithRetry(async () => createOutput(), options)).rejects.toMatchObject({
      code: "invalid_configuration",
    })
  },
)
