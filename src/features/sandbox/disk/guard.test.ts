import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test, vi } from "vitest"
import type { DiskUsage } from "../workspace/disk-usage.ts"
import { createDiskGuard } from "./guard.ts"
import type { DiskSpace } from "./space.ts"

const kilobyte = 1024
const quota = { bytes: 100 * kilobyte, entries: 50 }

/** Creates a file system whose free space the test sets. */
function createDisk() {
  const none = { bytes: 0, entries: 0 }
  let space: DiskSpace = {
    freeBytes: 1e9,
    freeEntries: 1e6,
    reservedBytes: 0,
    missing: none,
    spare: { bytes: 1e9, entries: 1e6 },
    margin: none,
  }
  let reads = 0
  return {
    read: async () => {
      reads += 1
      return space
    },
    /** Resolves after the guard has measured again, more than once. */
    async looks() {
      const before = reads
      await vi.waitFor(() => expect(reads).toBeGreaterThan(before + 2))
    },
    take: (bytes: number, entries = 0) => {
      space = { ...space, freeBytes: space.freeBytes - bytes, freeEntries: space.freeEntries - entries }
    },
    setSpare: (bytes: number) => {
      space = { ...space, spare: { ...space.spare, bytes } }
    },
    setMissing: (bytes: number, entries = 0) => {
      space = { ...space, missing: { bytes, entries } }
    },
  }
}

/** Creates executions that consist only of a folder, and records the calls on them in order. */
async function createFakes() {
  const root = await mkdtemp(join(tmpdir(), "agent-gateway-guard-"))
  onTestFinished(() => rm(root, { recursive: true }))
  const disk = createDisk()
  const guard = createDiskGuard({ path: root, quota, readSpace: disk.read })
  const calls: string[] = []
  async function start(
    name: string,
    {
      onTrim = () => {},
      userId = name,
      before = { bytes: 0, entries: 0 },
    }: { readonly onTrim?: () => void; readonly userId?: string; readonly before?: DiskUsage } = {},
  ) {
    const path = await mkdtemp(join(root, name))
    const note = (what: string) => async () => void calls.push(`${what} ${name}`)
    const watch = guard.watch({
      path,
      before,
      session: { id: name, tenant: "tenant", userId },
      freeze: note("freeze"),
      thaw: note("thaw"),
      stop: note("stop"),
      async trim() {
        await note("trim")()
        onTrim()
      },
    })
    onTestFinished(() => watch.end())
    return {
      watch,
      write: (kilobytes: number) => writeFile(join(path, "data"), "x".repeat(kilobytes * kilobyte)),
    }
  }
  return { guard, disk, calls, start }
}

test("when the disk is short, all executions are frozen before one is ended, and the others continue", async () => {
  const { disk, calls, start } = await createFakes()
  await start("small")
  const large = await start("large", { onTrim: () => disk.setMissing(0) })
  await large.write(50)
  disk.setMissing(1_000)
  await vi.waitFor(() => expect(calls).toContain("thaw small"))
  expect(calls.slice(0, 2).sort()).toEqual(["freeze large", "freeze small"])
  expect(calls.slice(2)).toEqual(["stop large", "trim large", "thaw small"])
})

test("an execution over its quota is ended first, even if another has grown more", async () => {
  const { disk, calls, start } = await createFakes()
  const within = await start("within")
  const beyond = await start("beyond", { onTrim: () => disk.setMissing(0) })
  await beyond.write(101)
  await within.write(99)
  disk.setMissing(1_000)
  await vi.waitFor(() => expect(calls).toContain("thaw within"))
  expect(calls).toContain("stop beyond")
  expect(calls).not.toContain("stop within")
})

test("an execution of the user whose sessions hold most is ended first, even if another user's has grown more", async () => {
  const { disk, calls, start } = await createFakes()
  const honest = await start("honest")
  for (const name of ["first", "second", "third"]) {
    const { write } = await start(name, { userId: "greedy", onTrim: () => disk.setMissing(0) })
    await write(50)
  }
  await honest.write(90)
  disk.setMissing(1_000)
  await vi.waitFor(() => expect(calls).toContain("thaw honest"))
  expect(calls).not.toContain("stop honest")
})

test("a session whose directory was removed no longer counts for its user", async () => {
  const { guard, disk, start } = await createFakes()
  const { watch } = await start("old", { userId: "ada" })
  await watch.record({ bytes: 90 * kilobyte, entries: 1 })
  await watch.end()
  expect(guard.usages().map(({ session }) => session.id)).toEqual(["old"])
  guard.forget("old")
  expect(guard.usages()).toEqual([])
  disk.setSpare(10 * kilobyte)
  const next = await start("next", { userId: "ada" })
  const usage = { bytes: 5 * kilobyte, entries: 1 }
  expect(await next.watch.record(usage)).toEqual(usage)
})

test("everything is measured before an execution is ended for what its user holds", async () => {
  const { disk, calls, start } = await createFakes()
  const modest = await start("modest")
  const greedy = await start("greedy")
  await modest.write(5)
  // The guard has now recorded what the modest one holds. The other one writes when no measurement is due.
  await disk.looks()
  await greedy.write(50)
  disk.setSpare(4 * kilobyte)
  await vi.waitFor(() => expect(calls).toContain("stop greedy"))
  await disk.looks()
  expect(calls).not.toContain("stop modest")
})

test("files of a user's idle sessions count as well", async () => {
  const { disk, calls, start } = await createFakes()
  const idle = await start("idle", { userId: "greedy" })
  await idle.watch.end()
  await idle.watch.record({ bytes: 90 * kilobyte, entries: 1 })
  const honest = await start("honest")
  const running = await start("running", { userId: "greedy", onTrim: () => disk.setMissing(0) })
  await running.write(10)
  await honest.write(90)
  disk.setMissing(1_000)
  await vi.waitFor(() => expect(calls).toContain("thaw honest"))
  expect(calls).toContain("stop running")
  expect(calls).not.toContain("stop honest")
})

test("an execution may keep less if its user's sessions would hold more than is left for all others", async () => {
  const { disk, start } = await createFakes()
  const full = { bytes: 90 * kilobyte, entries: 1 }
  disk.setSpare(80 * kilobyte)
  const first = await start("first", { userId: "greedy" })
  expect(await first.watch.record(full)).toEqual({ bytes: 85 * kilobyte, entries: 1 })
  await first.watch.end()
  const second = await start("second", { userId: "greedy", before: { bytes: 60 * kilobyte, entries: 1 } })
  // Files that existed before the execution are not removed.
  expect(await second.watch.record(full)).toEqual({ bytes: 60 * kilobyte, entries: 1 })
  const honest = await start("honest")
  const half = { bytes: 50 * kilobyte, entries: 1 }
  expect(await honest.watch.record(half)).toEqual(half)
})

test("an execution that grows is ended while its user's sessions hold more than is left, and no other is", async () => {
  const { disk, calls, start } = await createFakes()
  const idle = await start("idle", { userId: "greedy" })
  await idle.watch.end()
  await idle.watch.record({ bytes: 90 * kilobyte, entries: 1 })
  const honest = await start("honest")
  const reading = await start("reading", {
    userId: "greedy",
    before: { bytes: 50 * kilobyte, entries: 1 },
  })
  const growing = await start("growing", { userId: "greedy" })
  for (const { write } of [honest, reading, growing]) await write(10)
  await disk.looks()
  disk.setSpare(60 * kilobyte)
  // More than the part of the quota that may be written without a measurement.
  await growing.write(60)
  await honest.write(50)
  await vi.waitFor(() => expect(calls).toContain("stop growing"))
  expect(calls).not.toContain("stop honest")
  expect(calls).not.toContain("stop reading")
})

test("if ending some executions frees no space, all are ended", async () => {
  const { disk, calls, start } = await createFakes()
  for (const name of ["a", "b", "c"]) await start(name)
  disk.setMissing(0, 10)
  await vi.waitFor(() => expect(calls.filter((call) => call.startsWith("stop"))).toHaveLength(3))
})

test("an execution that may have used up its quota is frozen, measured, and continued if it has not", async () => {
  const { disk, calls, start } = await createFakes()
  const { write } = await start("a")
  await write(50)
  // Enough growth for a measurement, with or without an earlier one.
  disk.take(60 * kilobyte)
  await vi.waitFor(() => expect(calls).toEqual(["freeze a", "thaw a"]))
  disk.take(30 * kilobyte)
  await disk.looks()
  expect(calls).toHaveLength(2)
  disk.take(0, 100)
  await vi.waitFor(() => expect(calls).toEqual(["freeze a", "thaw a", "freeze a", "thaw a"]))
  await write(101)
  disk.take(100 * kilobyte)
  await vi.waitFor(() => expect(calls).toContain("stop a"))
  expect(calls.filter((call) => call === "thaw a")).toHaveLength(2)
})

test("space that others free does not hide how much the disk has lost", async () => {
  const { disk, calls, start } = await createFakes()
  await start("a")
  for (let taken = 0; taken < 120; taken += 20) {
    disk.take(20 * kilobyte)
    await disk.looks()
    disk.take(-20 * kilobyte)
    await disk.looks()
  }
  await vi.waitFor(() => expect(calls.slice(0, 2)).toEqual(["freeze a", "thaw a"]))
})

test("an execution whose disk cannot be read is ended, and its watch fails", async () => {
  const root = await mkdtemp(join(tmpdir(), "agent-gateway-guard-"))
  onTestFinished(() => rm(root, { recursive: true }))
  const problem = new Error("no such file system")
  const guard = createDiskGuard({ path: root, quota, readSpace: () => Promise.reject(problem) })
  const stopped = Promise.withResolvers<void>()
  const idle = async () => {}
  const watch = guard.watch({
    path: root,
    before: { bytes: 0, entries: 0 },
    session: { id: "session", tenant: "tenant", userId: "ada" },
    freeze: idle,
    thaw: idle,
    trim: idle,
    stop: async () => stopped.resolve(),
  })
  await stopped.promise
  await expect(watch.end()).rejects.toBe(problem)
})
