import { setImmediate } from "node:timers/promises"
import { expect, test } from "vitest"
import { GatewayError } from "../../../core/errors.ts"
import type { Sandbox } from "../../../core/ports/tools/sandbox.ts"
import { type BackgroundTasks, createBackgroundTasks } from "./background-tasks.ts"
import { createCodeRecord } from "./code-record.ts"
import { collectGarbage } from "./fixtures/collect-garbage.ts"
import { type CodeRun, type CodeRunOptions, startCode } from "./run-code.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const minute = 60_000

/** A clock that only the test moves. */
function fakeClock() {
  let now = 1_000
  return {
    now: () => now,
    advance: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

function runOf(outputBytes: number, ended = Promise.resolve()): CodeRun {
  const record = createCodeRecord(2 * outputBytes + 2)
  record.push("stdout", new Uint8Array(outputBytes))
  return { ended, record }
}

const never = new Promise<void>(() => {})
const kilobytes = 1_000
/** Maximum memory of a task without output. */
const overhead = 4 * kilobytes

async function ranTask(tasks: BackgroundTasks, sessionId: string, outputBytes: number) {
  const task = tasks.start(sessionId, () => runOf(outputBytes))
  await task.cancel()
  return task.id
}

const foundIn = (tasks: BackgroundTasks, sessionId: string, ids: readonly string[]) =>
  ids.map((id) => tasks.find(sessionId, id) !== undefined)

test("the oldest ended tasks are forgotten past the bound of all sessions together", async () => {
  const maxEndedBytes = 100 * kilobytes + 2 * overhead
  const tasks = createBackgroundTasks({ maxRunning: 3, maxEndedBytes, clock: fakeClock(), logger })
  const running = tasks.start("sess_a", () => runOf(1_000 * kilobytes, never))
  const first = await ranTask(tasks, "sess_a", 60 * kilobytes)
  const second = await ranTask(tasks, "sess_b", 40 * kilobytes)
  expect([tasks.find("sess_a", first)?.id, tasks.find("sess_b", second)?.id]).toEqual([first, second])
  const third = await ranTask(tasks, "sess_c", 30 * kilobytes)
  expect(tasks.find("sess_a", first)).toBeUndefined()
  expect([tasks.find("sess_b", second)?.id, tasks.find("sess_c", third)?.id]).toEqual([second, third])
  await ranTask(tasks, "sess_d", 200 * kilobytes)
  expect(tasks.find("sess_c", third)).toBeUndefined()
  expect(tasks.find("sess_a", running.id)?.status()).toBe("running")
})

test("past the bound of one session, its oldest tasks are forgotten and its last one stays, and other sessions keep theirs", async () => {
  const maxEndedBytesPerSession = 100 * kilobytes + 2 * overhead
  const tasks = createBackgroundTasks({ maxRunning: 3, maxEndedBytesPerSession, clock: fakeClock(), logger })
  const other = await ranTask(tasks, "sess_b", 90 * kilobytes)
  const ids = [
    await ranTask(tasks, "sess_a", 60 * kilobytes),
    await ranTask(tasks, "sess_a", 60 * kilobytes),
    await ranTask(tasks, "sess_a", 40 * kilobytes),
  ]
  expect(foundIn(tasks, "sess_a", ids)).toEqual([false, true, true])
  const large = await ranTask(tasks, "sess_a", 500 * kilobytes)
  expect(foundIn(tasks, "sess_a", [...ids, large])).toEqual([false, false, false, true])
  expect(foundIn(tasks, "sess_b", [other])).toEqual([true])
})

test("the last twenty tasks of a session are remembered", async () => {
  const tasks = createBackgroundTasks({ maxRunning: 1, clock: fakeClock(), logger })
  const ids: string[] = []
  for (let index = 0; index < 22; index += 1) ids.push(await ranTask(tasks, "sess_a", 1))
  expect(foundIn(tasks, "sess_a", ids)).toEqual(ids.map((_, index) => index >= 2))
})

test("an ended task is forgotten after an hour, and a running one is not", async () => {
  const clock = fakeClock()
  const tasks = createBackgroundTasks({ maxRunning: 3, clock, logger })
  const running = tasks.start("sess_a", () => runOf(1, never))
  const early = await ranTask(tasks, "sess_a", 1)
  clock.advance(30 * minute)
  const late = await ranTask(tasks, "sess_a", 1)
  clock.advance(30 * minute)
  await tasks.forget(async () => true)
  expect(foundIn(tasks, "sess_a", [running.id, early, late])).toEqual([true, false, true])
})

test("the tasks of a removed session are canceled and forgotten", async () => {
  const tasks = createBackgroundTasks({ maxRunning: 3, clock: fakeClock(), logger })
  const cancelled = Promise.withResolvers<void>()
  const running = tasks.start("sess_gone", (signal) => {
    signal.addEventListener("abort", () => cancelled.reject(signal.reason))
    return runOf(1, cancelled.promise)
  })
  const ended = await ranTask(tasks, "sess_gone", 1)
  const kept = await ranTask(tasks, "sess_kept", 1)
  await tasks.forget(async (sessionId) => sessionId === "sess_kept")
  expect(running.status()).toBe("cancelled")
  expect(foundIn(tasks, "sess_gone", [running.id, ended])).toEqual([false, false])
  expect(foundIn(tasks, "sess_kept", [kept])).toEqual([true])
})

test("an ended task keeps its output, and not its code, its sandbox or other objects", async () => {
  const tasks = createBackgroundTasks({ maxRunning: 1, clock: fakeClock(), logger })
  const { id, options } = await (async () => {
    const sandbox: Sandbox = {
      async *exec() {
        yield { type: "output", stream: "stdout", bytes: Buffer.from("done") }
        yield { type: "exit", exitCode: 0, reason: "exited" }
      },
      files: async () => [],
      readFile: async () => null,
      async writeFile() {},
    }
    const request = { host: "docker", language: "shell", code: "true", timeoutMs: 1_000 } as const
    let given: WeakRef<CodeRunOptions> | null = null
    const task = tasks.start("sess_a", (signal) => {
      const imageLimits = { maxImages: 8, maxImageBytes: 1_000 }
      const runOptions = { sandbox, request, maxOutputBytes: 1_000, imageLimits, signal, onOutput() {} }
      given = new WeakRef(runOptions)
      return startCode(runOptions)
    })
    await expect.poll(() => task.status()).toBe("finished")
    return { id: task.id, options: given as WeakRef<CodeRunOptions> | null }
  })()
  // The target of a weak reference stays alive until the next turn of the event loop if it was created or read in
  // this one.
  await setImmediate()
  collectGarbage()
  expect(options?.deref()).toBeUndefined()
  expect(tasks.find("sess_a", id)?.record.report(1_000)).toMatchObject({ stdout: "done", return_code: 0 })
})

test("a task that could not run reports the reason", async () => {
  const tasks = createBackgroundTasks({ maxRunning: 1, clock: fakeClock(), logger })
  const failure = new GatewayError({ code: "sandbox_unavailable", status: 503 }, "No engine.", {
    detail: "path",
  })
  const task = tasks.start("sess_a", () => runOf(0, Promise.reject(failure)))
  await expect.poll(() => task.status()).toBe("failed")
  expect(task.problem()).toEqual({ code: "sandbox_unavailable", message: "No engine." })
})
