import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { ToolContext } from "../../src/core/ports/tools/tool.ts"
import { codeExecutionPlugin } from "../../src/features/sandbox/code-execution/plugin.ts"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { testPluginServices } from "../../src/testing/plugin/plugin-services.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { requires } from "../needs.ts"
import { controlGroups, crashWhileRunning, processes } from "./support/crash.ts"
import { openTestSandboxes, sandboxDirectory, silent } from "./support/open.ts"

let directory: string

beforeEach(async () => {
  await requires("linux")
  directory = await sandboxDirectory()
})
afterEach(async () => {
  vi.useRealTimers()
  if (directory !== undefined) await removeTree(directory)
})

/** Opens a gateway's code execution with a clock that stands still until the test advances it. */
async function openStopped(isKept: (sessionId: string) => Promise<boolean>) {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] })
  const plugin = codeExecutionPlugin(
    { backends: ["subprocess"] },
    {
      directory,
      prepareDirectory: () => {},
      ephemeral: false,
      dockerSocket: undefined,
      searchPath: process.env.PATH,
      callbackTimeoutMs: 30_000,
    },
  )
  const code = await plugin.setup(testPluginServices({ isKept }))
  const { signal } = new AbortController()
  const run = {
    session: null,
    role: null,
    message: [],
    needsApproval: () => false,
    maxToolResultBytes: 10_000,
    showStatus: () => {},
    signal,
  }
  const [execute] = (await code.openRun?.(run))?.tools?.([]) ?? []
  const runCode = (sessionId: string) => {
    const context = {
      session: { id: sessionId },
      signal: new AbortController().signal,
      emit() {},
      logger: silent,
    }
    return execute?.execute({ code: "print(1)" }, context as unknown as ToolContext)
  }
  return { code, runCode, aMinuteLater: () => vi.advanceTimersByTimeAsync(60_000) }
}

const sessions = () => readdir(join(directory, "sessions"))

test("processes of another killed gateway are gone a minute later", async () => {
  const { code, aMinuteLater } = await openStopped(async () => true)
  await crashWhileRunning("subprocess", directory)
  expect(processes()).not.toEqual([])
  await aMinuteLater()
  await eventually("the end of its processes", () => (processes().length === 0 ? true : null))
  await eventually("the end of its groups", () => (controlGroups(directory).length === 0 ? true : null))
  await code.close?.()
})

test("the working directory of a removed session is deleted, unless it is new", async () => {
  const kept = new Set(["sess_kept"])
  const { code, runCode, aMinuteLater } = await openStopped(async (sessionId) => kept.has(sessionId))
  await runCode("sess_kept")
  await runCode("sess_ended")
  await aMinuteLater()
  expect(await sessions()).toEqual(expect.arrayContaining(["sess_ended", "sess_kept"]))
  vi.setSystemTime(Date.now() + 5 * 60_000)
  await eventually("the removal", async () => {
    await aMinuteLater()
    return (await sessions()).length === 1 ? true : null
  })
  expect(await sessions()).toEqual(["sess_kept"])
  await code.close?.()
})

test("code of a removed session is ended before its files are deleted", async () => {
  vi.useFakeTimers({ toFake: ["Date"] })
  const { sandboxes } = await openTestSandboxes("subprocess", { directory })
  const sandbox = await sandboxes.open({ id: "sess_ended", tenant: "test", userId: "test" })
  const request = {
    host: "subprocess",
    language: "shell",
    code: "echo on; sleep 60",
    timeoutMs: 60_000,
  } as const
  const started = Promise.withResolvers<void>()
  const running = (async () => {
    for await (const _event of sandbox.exec(request, { signal: new AbortController().signal }))
      started.resolve()
  })()
  const ended = expect(running).rejects.toThrow("The session is no longer kept.")
  await started.promise
  vi.setSystemTime(Date.now() + 6 * 60_000)
  await sandboxes.reap(async () => false)
  await ended
  expect(await sessions()).toEqual([])
  await sandboxes.close()
})

test("closing waits for the cleanup, which uses the store", async () => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<boolean>()
  const { code, runCode, aMinuteLater } = await openStopped(() => {
    asked.resolve()
    return answer.promise
  })
  await runCode("sess_a")
  vi.setSystemTime(Date.now() + 6 * 60_000)
  await aMinuteLater()
  await asked.promise
  let closed = false
  const closing = Promise.resolve(code.close?.()).then(() => {
    closed = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(closed).toBe(false)
  answer.resolve(true)
  await closing
  expect(await sessions()).toEqual(["sess_a"])
})

test("a failed cleanup does not prevent others, and is logged", async () => {
  vi.useFakeTimers({ toFake: ["Date"] })
  const { sandboxes } = await openTestSandboxes("subprocess", { directory })
  for (const id of ["sess_a", "sess_b", "sess_c"]) await sandboxes.open({ id, tenant: "test", userId: id })
  vi.setSystemTime(Date.now() + 6 * 60_000)
  const isKept = async (sessionId: string) => {
    if (sessionId === "sess_b") throw new Error("the store is slow")
    return false
  }
  await expect(sandboxes.reap(isKept)).rejects.toThrow("the store is slow")
  expect(await sessions()).toEqual(["sess_b"])
  await sandboxes.close()
})
