import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { createSpaceReserve } from "./space-reserve.ts"

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "reserve-"))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

test("a reserve is created once, and released once", () => {
  const path = directory()
  const reserve = createSpaceReserve(path)
  reserve.keep()
  reserve.keep()
  expect(statSync(join(path, "reserve"))).toMatchObject({ size: 65_536, mode: 0o100600 })
  expect(reserve.release()).toBe(true)
  expect(reserve.release()).toBe(false)
})

test("a missing directory is an error, and leaves no reserve", () => {
  const file = join(directory(), "file")
  writeFileSync(file, "")
  expect(() => createSpaceReserve(file).keep()).toThrow("ENOTDIR")
})
