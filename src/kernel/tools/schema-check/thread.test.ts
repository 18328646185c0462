import { once } from "node:events"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { expect, it, onTestFinished } from "vitest"
import { startWorker } from "../../../platform/workers/worker.ts"
import type { CheckRequest, Verdict } from "./messages.ts"

/** A schema whose check takes a while, because each item is compared with each choice. */
const schema = JSON.stringify({
  items: { anyOf: [...Array.from({ length: 200 }, (_, index) => ({ const: index })), { const: -1 }] },
})
const request = { schema, value: JSON.stringify(Array.from({ length: 2_000 }, () => -1)) }

function threadWith(checkingMs: number) {
  const thread = startWorker<CheckRequest, Verdict>({
    program: "./thread",
    startedBy: import.meta.url,
    kind: "thread",
    startMs: 60_000,
    phaseMs: { compiling: 60_000, checking: checkingMs },
    heapMb: 128,
  })
  onTestFinished(() => thread.stop())
  return thread
}

/** Keeps this many threads busy, which use all available CPU time. */
async function keepBusy(threads: number): Promise<void> {
  const busy = Array.from({ length: threads }, () => new Worker("for (;;) {}", { eval: true }))
  onTestFinished(async () => void (await Promise.all(busy.map((worker) => worker.terminate()))))
  await Promise.all(busy.map((worker) => once(worker, "online")))
}

it("does not count the time in which other threads use the CPU", async () => {
  // The first check of a thread takes longest, because its code is not compiled yet.
  const measure = async () => {
    const thread = threadWith(60_000)
    const before = performance.now()
    expect(await thread.run(request)).toEqual({ type: "reply", reply: { type: "valid" } })
    return performance.now() - before
  }
  const ms = Math.max(await measure(), await measure(), await measure())
  const thread = threadWith(Math.ceil(ms * 2))
  expect(await thread.run(request)).toEqual({ type: "reply", reply: { type: "valid" } })
  await keepBusy(6 * availableParallelism())
  expect(await thread.run(request)).toEqual({ type: "reply", reply: { type: "valid" } })
})

it("is dead after it was stopped in the middle of a check", async () => {
  const thread = threadWith(60_000)
  const outcome = thread.run({ schema: '{"pattern":"^(a+)+$"}', value: `"${"a".repeat(60)}!"` })
  await thread.stop()
  expect(await outcome).toMatchObject({ type: "stopped" })
  expect(thread.isAlive()).toBe(false)
})
