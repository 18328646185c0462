import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { tryLock } from "../locks/file-lock.ts"
import { loadState, mergeState, saveState, updateState } from "./state-file.ts"

let folder = ""
let path = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-state-"))
  path = join(folder, "deep", "state.json")
})
afterEach(() => rmSync(folder, { recursive: true }))

const counter = fileURLToPath(new URL("fixtures/count.ts", import.meta.url))

test("a file that does not exist is an empty state", async () => {
  expect(await loadState(path)).toEqual({})
})

test("a state is stored as readable JSON, and read again", async () => {
  await saveState(path, { runs: 1 })
  expect(await loadState(path)).toEqual({ runs: 1 })
  expect(readFileSync(path, "utf8")).toBe('{\n  "runs": 1\n}\n')
})

test("an update replaces the keys that it has, and null removes a key", () => {
  expect(mergeState({ a: 1, b: { c: 2 }, d: 3 }, { b: { e: 4 }, d: null })).toEqual({ a: 1, b: { e: 4 } })
})

test("updates of several processes and callers are all kept", async () => {
  const others = [1, 2].map(() => fork(counter, [path, "40"]))
  const own = Array.from({ length: 20 }, () =>
    updateState(path, (state) => ({ ...state, own: Number(state.own ?? 0) + 1 })),
  )
  await Promise.all([...own, ...others.map((other) => once(other, "exit"))])
  expect(await loadState(path)).toEqual({ count: 80, own: 20 })
  expect(readdirSync(join(folder, "deep")).sort()).toEqual(["state.json", "state.json.lock"])
})

test("a killed process leaves a complete state and no lock", async () => {
  for (let round = 0; round < 5; round += 1) {
    const other = fork(counter, [path])
    await once(other, "message")
    other.kill("SIGKILL")
    await once(other, "exit")
    const { count } = await updateState(path, (state) => ({ ...state, round }))
    expect(count).toBeGreaterThan(0)
  }
  expect(readdirSync(join(folder, "deep")).length).toBeLessThanOrEqual(3)
})

test.each([
  ["text that is not JSON", "{", /not JSON/],
  ["an array", "[]", /no JSON object/],
  ["a file that is too large", `{"a": "${"x".repeat(2_000)}"}`, /more than the 1000 allowed/],
])("%s is refused and not changed", async (_name, text, problem) => {
  const file = join(folder, "state.json")
  writeFileSync(file, text)
  const options = { maxBytes: 1_000 }
  await expect(loadState(file, options)).rejects.toThrow(problem)
  await expect(updateState(file, (state) => state, options)).rejects.toThrow(problem)
  expect(readFileSync(file, "utf8")).toBe(text)
})

test("a folder in place of the file is refused", async () => {
  await expect(loadState(folder)).rejects.toMatchObject({ code: "state_unreadable" })
})

test("a state that would be too large is refused, and the former one is kept", async () => {
  await saveState(path, { a: 1 })
  const update = updateState(path, (state) => ({ ...state, b: "x".repeat(2_000) }), { maxBytes: 1_000 })
  await expect(update).rejects.toMatchObject({ code: "state_too_large" })
  expect(await loadState(path)).toEqual({ a: 1 })
})

test("a link to a state stays a link, and its permissions stay", async () => {
  await saveState(path, { a: 1 })
  const mode = statSync(path).mode & 0o777
  const link = join(folder, "link.json")
  symlinkSync(path, link)
  await updateState(link, (state) => ({ ...state, b: 2 }))
  expect(await loadState(path)).toEqual({ a: 1, b: 2 })
  expect([mode, statSync(path).mode & 0o777]).toEqual([0o600, 0o600])
})

test("a writer stops waiting for the lock when its signal aborts", async () => {
  await saveState(path, {})
  const lock = tryLock(`${path}.lock`)
  const stop = new AbortController()
  const update = updateState(path, (state) => state, { signal: stop.signal })
  stop.abort(new Error("stopped"))
  await expect(update).rejects.toThrow("stopped")
  lock?.release()
})
