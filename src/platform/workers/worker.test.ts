import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { patienceMs } from "../../../test/patience.ts"
import { keepWorker } from "./keep-worker.ts"
import type { WorkerOptions } from "./worker.ts"

function keep(kind: "thread" | "process", options: Partial<WorkerOptions & { idleMs: number }> = {}) {
  const worker = keepWorker<string, unknown>({
    program: "./fixtures/misbehave",
    startedBy: import.meta.url,
    kind,
    startMs: 60_000,
    phaseMs: { working: 60_000, waiting: 200 },
    heapMb: 32,
    idleMs: 60_000,
    ...options,
  })
  onTestFinished(() => worker.stop())
  return worker
}

describe.each(["thread", "process"] as const)("a %s", (kind) => {
  test("replies to one request after another, and has no environment", async () => {
    const worker = keep(kind)
    expect(await worker.run("hello")).toEqual({ type: "reply", reply: "hello" })
    expect(await worker.run("environment")).toEqual({ type: "reply", reply: [] })
  })

  test.each(["throws", "exits", "fills memory"])(
    "that %s is replaced for the next request",
    async (request) => {
      const worker = keep(kind)
      expect(await worker.run(request)).toMatchObject({ type: "stopped", phase: "working", isLate: false })
      expect(await worker.run("hello")).toEqual({ type: "reply", reply: "hello" })
    },
  )

  test("that loops is ended after the time of its phase, and replaced", async () => {
    const worker = keep(kind, { phaseMs: { working: 200 } })
    expect(await worker.run("hello")).toMatchObject({ type: "reply" })
    const stopped = { type: "stopped", phase: "working", isLate: true, reason: "takes longer than 200 ms" }
    expect(await worker.run("loops")).toEqual(stopped)
    expect(await worker.run("hello")).toMatchObject({ type: "reply" })
  })

  test("that waits without using the CPU is ended too", async () => {
    expect(await keep(kind).run("waits")).toMatchObject({ phase: "waiting", isLate: true })
  })

  test("that never starts a request is ended", async () => {
    const stopped = { type: "stopped", phase: "starting", isLate: true }
    expect(await keep(kind, { startMs: 1_000 }).run("never starts")).toMatchObject(stopped)
  })

  test("whose program is missing fails at its start", async () => {
    const stopped = { type: "stopped", phase: "starting", isLate: false }
    expect(await keep(kind, { program: "./fixtures/missing" }).run("hello")).toMatchObject(stopped)
  })

  test("that is stopped ends its request", async () => {
    const worker = keep(kind)
    const outcome = worker.run("loops")
    await worker.stop()
    expect(await outcome).toMatchObject({ type: "stopped", isLate: false })
  })

  test("ends when it is idle, and starts again", async () => {
    const worker = keep(kind, { idleMs: 1 })
    for (let times = 0; times < 2; times++) {
      expect(await worker.run("hello")).toEqual({ type: "reply", reply: "hello" })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })
})

test("a crash of native code ends its process only", async () => {
  const worker = keep("process")
  expect(await worker.run("crashes")).toMatchObject({ type: "stopped", phase: "working" })
  expect(await worker.run("hello")).toMatchObject({ type: "reply" })
})

test("a process continues after signals that go to the whole group of the gateway", async () => {
  expect(await keep("process").run("is interrupted")).toEqual({ type: "reply", reply: "continues" })
})

test("a process ends with the gateway, even after kill -9", async () => {
  const program = fileURLToPath(new URL("fixtures/gateway.ts", import.meta.url))
  const gateway = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "ignore"] })
  const [line] = await once(gateway.stdout.setEncoding("utf8"), "data")
  const isAlive = () => {
    try {
      return process.kill(Number(line), 0)
    } catch {
      return false
    }
  }
  expect(isAlive()).toBe(true)
  gateway.kill("SIGKILL")
  await vi.waitFor(() => expect(isAlive()).toBe(false), { timeout: patienceMs })
})
