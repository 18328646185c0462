import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { measureUsage } from "./disk-usage.ts"
import { walk } from "./walk.ts"

async function foldersOf(count: number) {
  const root = await mkdtemp(join(tmpdir(), "agent-gateway-walk-"))
  onTestFinished(() => rm(root, { recursive: true }))
  for (let index = 0; index < count; index += 1) await mkdir(join(root, String(index)))
  return root
}

test("an abort ends a walk before its next entry", async () => {
  const root = await foldersOf(20)
  const stop = new AbortController()
  const reason = new Error("enough")
  let visited = 0
  const walking = walk(
    root,
    () => {
      visited += 1
      stop.abort(reason)
      return true
    },
    stop.signal,
  )
  await expect(walking).rejects.toBe(reason)
  expect(visited).toBe(1)
})

test("entries count as well as bytes, and no more are read than necessary", async () => {
  const root = await foldersOf(20)
  const { signal } = new AbortController()
  const bytes = 1024 * 1024
  expect(await measureUsage(root, { bytes, entries: 20 }, signal)).toMatchObject({ entries: 20 })
  expect(await measureUsage(root, { bytes, entries: 19 }, signal)).toBe("over")
})
