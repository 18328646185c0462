import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import { measureUsage } from "./disk-usage.ts"
import { removeTree } from "./remove-tree.ts"
import { trimWorkspace } from "./trim.ts"

const kilobyte = 1024
const quota = { bytes: 1024 * kilobyte, entries: 1000 }
const { signal } = new AbortController()

async function temporaryFolder() {
  const root = await mkdtemp(join(tmpdir(), "agent-gateway-trim-"))
  onTestFinished(() => removeTree(root))
  return {
    root,
    write: (name: string, kilobytes: number) => writeFile(join(root, name), "x".repeat(kilobytes * kilobyte)),
    names: async () => (await readdir(root)).sort(),
  }
}

/**
 * Resolves to a moment, by the clock of the file system, after all earlier writes and before all later ones. That clock
 * may stand still for a while on a busy machine.
 */
async function moment(root: string): Promise<number> {
  const clock = `${root}.clock`
  onTestFinished(() => rm(clock))
  const read = async () => {
    await writeFile(clock, "")
    return (await stat(clock)).ctimeMs
  }
  const earlier = await read()
  while ((await read()) <= earlier + 10) await delay(5)
  return earlier + 10
}

const trimmed = (root: string, startedAt: number) => trimWorkspace(root, { quota, startedAt, signal })

test("junk is removed first, and files from before the execution stay, even if they grew", async () => {
  const { root, write, names } = await temporaryFolder()
  await write("old.csv", 100)
  await write("notes.txt", 1)
  const startedAt = await moment(root)
  await appendFile(join(root, "old.csv"), "one more line")
  for (let index = 0; index < 50; index += 1) await write(`result-${index}`, 4)
  await write("junk.bin", 2_000)
  const removed = await trimmed(root, startedAt)
  expect(removed).toEqual({ count: 1, paths: ["junk.bin"] })
  expect(await names()).toHaveLength(52)
  expect(await readFile(join(root, "old.csv"), "utf8")).toMatch(/one more line$/)
})

test("among files of a similar size, the newest is removed first", async () => {
  const { root, write, names } = await temporaryFolder()
  const startedAt = await moment(root)
  for (const name of ["d", "b", "c", "a"]) {
    await write(name, 300 + name.charCodeAt(0))
    await delay(10)
  }
  expect(await trimmed(root, startedAt)).toEqual({ count: 2, paths: expect.arrayContaining(["a", "c"]) })
  expect(await names()).toEqual(["b", "d"])
})

test("changed files from before the execution are removed only if nothing else helps", async () => {
  const { root, write, names } = await temporaryFolder()
  await write("untouched", 500)
  await write("grown", 10)
  const startedAt = await moment(root)
  await appendFile(join(root, "grown"), "x".repeat(2_000 * kilobyte))
  await write("new", 10)
  expect(await trimmed(root, startedAt)).toEqual({ count: 2, paths: ["new", "grown"] })
  expect(await names()).toEqual(["untouched"])
})

test("empty files and folders count, and are removed until the rest is within the limit", async () => {
  const { root, write } = await temporaryFolder()
  await write("kept", 500)
  const startedAt = await moment(root)
  for (let index = 0; index < 100; index += 1) {
    await mkdir(join(root, `folder-${index}`, "inner"), { recursive: true })
    await writeFile(join(root, `folder-${index}`, "empty"), "")
  }
  const { count, paths } = await trimmed(root, startedAt)
  expect(count).toBeGreaterThan(20)
  expect(paths).toHaveLength(20)
  expect((await measureUsage(root, quota, signal)) === "over").toBe(false)
  expect((await stat(join(root, "kept"))).size).toBe(500 * kilobyte)
})

test("a sparse file counts only with its small size on the disk", async () => {
  const { root, write, names } = await temporaryFolder()
  const startedAt = await moment(root)
  await write("hole", 0)
  await truncate(join(root, "hole"), 100 * quota.bytes)
  await write("large", 1_500)
  expect(await trimmed(root, startedAt)).toEqual({ count: 1, paths: ["large"] })
  expect(await names()).toEqual(["hole"])
})
