import { expect, test } from "vitest"
import { GatewayError } from "../../core/errors.ts"
import { createBackgroundTasks } from "./background-tasks.ts"
import type { CodeReport, CodeRun } from "./run-code.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

function runOf(size: number, ended = Promise.resolve()): CodeRun {
  return { ended, size: () => size, images: () => [], report: () => ({}) as CodeReport }
}

async function ranTask(tasks: ReturnType<typeof createBackgroundTasks>, sessionId: string, size: number) {
  const task = tasks.start(sessionId, () => runOf(size))
  await task.cancel()
  return task.id
}

test("of all sessions together, those that ended first are forgotten when they take up too much memory", async () => {
  const tasks = createBackgroundTasks({ maxRunning: 3, maxEndedBytes: 100, logger })
  const running = tasks.start("sess_a", () => runOf(1_000, new Promise<void>(() => {})))
  const first = await ranTask(tasks, "sess_a", 60)
  const second = await ranTask(tasks, "sess_b", 40)
  expect([tasks.find("sess_a", first)?.id, tasks.find("sess_b", second)?.id]).toEqual([first, second])
  const third = await ranTask(tasks, "sess_c", 30)
  expect(tasks.find("sess_a", first)).toBeUndefined()
  expect([tasks.find("sess_b", second)?.id, tasks.find("sess_c", third)?.id]).toEqual([second, third])
  await ranTask(tasks, "sess_d", 101)
  expect(tasks.find("sess_c", third)).toBeUndefined()
  expect(tasks.find("sess_a", running.id)?.status()).toBe("running")
})

test("of one session the last twenty are remembered", async () => {
  const tasks = createBackgroundTasks({ maxRunning: 1, logger })
  const ids: string[] = []
  for (let index = 0; index < 22; index += 1) ids.push(await ranTask(tasks, "sess_a", 1))
  expect(ids.map((id) => tasks.find("sess_a", id) !== undefined)).toEqual(ids.map((_, index) => index >= 2))
})

test("a task that could not be run says why", async () => {
  const tasks = createBackgroundTasks({ maxRunning: 1, logger })
  const failure = new GatewayError({ code: "sandbox_unavailable", status: 503 }, "No engine.", {
    detail: "path",
  })
  const task = tasks.start("sess_a", () => runOf(0, Promise.reject(failure)))
  await expect.poll(() => task.status()).toBe("failed")
  expect(task.problem()).toEqual({ code: "sandbox_unavailable", message: "No engine." })
})
