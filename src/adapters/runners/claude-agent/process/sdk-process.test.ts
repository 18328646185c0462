import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { createFormerProcess } from "./former-process.ts"
import { createSdkProcess } from "./sdk-process.ts"

function start(script: string) {
  const groups: number[] = []
  const lines: string[] = []
  const process = createSdkProcess({
    onStart: (group) => void groups.push(group),
    onStderr: (line) => void lines.push(line),
  })
  onTestFinished(() => process.terminate())
  const spawned = process.spawn({ command: "/bin/sh", args: ["-c", script], env: { PATH: "/usr/bin:/bin" } })
  return { process, spawned, groups, lines }
}

const isAlive = (group: number) => {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

it("leaves output in the pipe until it is requested", async () => {
  const { process, spawned } = start("yes 0123456789")
  let bytes = 0
  spawned.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length
  })
  await delay(200)
  expect(bytes).toBe(0)
  process.flow()
  await expect.poll(() => bytes).toBeGreaterThan(100_000)
  process.hold()
  await delay(50)
  const held = bytes
  await delay(200)
  expect(bytes - held).toBeLessThan(200_000)
})

it("stops a process with an endless message", async () => {
  const { process, spawned, groups } = start("yes | tr -d '\\n'")
  spawned.stdout.resume()
  process.flow()
  await expect.poll(() => process.overflowed).toBe(true)
  await expect.poll(() => groups.some(isAlive)).toBe(false)
})

it("keeps the end of the standard error, and reports its lines truncated", async () => {
  const { process, spawned, lines } = start(
    "yes xxxxxxxxx | head -c 100000 | tr -d '\\n' >&2; echo >&2; echo bad >&2",
  )
  spawned.stdout.resume()
  process.flow()
  await new Promise<void>((resolve) => spawned.once("exit", () => resolve()))
  expect(process.stderr().length).toBeLessThan(2_100)
  expect(process.stderr()).toMatch(/bad$/)
  expect(lines.every((line) => line.length <= 2_000)).toBe(true)
})

it("reports the exit code, even for a missing program", async () => {
  const { process, spawned } = start("exit 3")
  process.flow()
  const code = await new Promise((resolve) => spawned.once("exit", resolve))
  expect([code, spawned.exitCode]).toEqual([3, 3])
  const missing = createSdkProcess({ onStart() {}, onStderr() {} })
  const gone = missing.spawn({ command: "/nowhere/claude", args: [], env: {} })
  expect(await new Promise((resolve) => gone.once("exit", resolve))).toBe(127)
})

it("waits for the process of a former gateway, for a bounded time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "former-process-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const former = createFormerProcess(folder)
  await former.waitUntilGone(new AbortController().signal)
  const { process, groups } = start("sleep 1000")
  former.remember(groups[0] ?? 0)
  expect(await readFile(join(folder, "process-group"), "utf8")).toBe(String(groups[0]))
  let isOver = false
  const waiting = former.waitUntilGone(new AbortController().signal).then(() => {
    isOver = true
  })
  await delay(100)
  expect(isOver).toBe(false)
  await process.terminate()
  await waiting
  await former.forget()
  for (const text of ["", "x", "-1", "1", "0"]) {
    await writeFile(join(folder, "process-group"), text)
    await former.waitUntilGone(new AbortController().signal)
  }
})
