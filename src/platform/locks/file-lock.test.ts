import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { takeLock, tryLock } from "./file-lock.ts"

test("one holder at a time has the lock", () => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-lock-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "a.lock")
  const lock = tryLock(file)
  expect([lock === null, tryLock(file)]).toEqual([false, null])
  lock?.release()
  lock?.release()
  const next = tryLock(file)
  expect(next).not.toBeNull()
  next?.release()
})

test("a caller waits for the lock until it is released, or until its signal aborts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-lock-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "a.lock")
  const lock = tryLock(file)
  const stop = new AbortController()
  const waiting = takeLock(file, new AbortController().signal)
  const canceled = takeLock(file, stop.signal)
  stop.abort(new Error("canceled"))
  await expect(canceled).rejects.toThrow("canceled")
  lock?.release()
  const next = await waiting
  expect(next).not.toBeNull()
  next?.release()
})

test("a lock in a folder that does not exist is an error", () => {
  expect(() => tryLock("/nonexistent/a.lock")).toThrow("unable to open database file")
})
