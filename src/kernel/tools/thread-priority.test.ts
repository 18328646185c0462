import { once } from "node:events"
import { getPriority } from "node:os"
import { Worker } from "node:worker_threads"
import { expect, it, onTestFinished } from "vitest"

const program = `
  import { readlinkSync } from "node:fs"
  import { getPriority } from "node:os"
  import { parentPort } from "node:worker_threads"
  import { lowerThreadPriority } from ${JSON.stringify(new URL("./thread-priority.ts", import.meta.url).href)}
  const own = () => getPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)))
  const before = own()
  lowerThreadPriority()
  parentPort.postMessage({ before, after: own() })`

it.runIf(process.platform === "linux")("lowers the priority of its own thread only", async () => {
  const main = getPriority()
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`))
  onTestFinished(() => void worker.terminate())
  const [{ before, after }] = await once(worker, "message")
  expect(before).toBe(main)
  expect(after).toBe(Math.min(before + 5, 19))
  expect(getPriority()).toBe(main)
})
