import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { SkillStateStore } from "./skill-state-store.ts"

let folder = ""
let file = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-skill-state-"))
  file = join(folder, "state.json")
})
afterEach(() => rmSync(folder, { recursive: true }))

test("each skill has its own state in one file", async () => {
  const store = new SkillStateStore(file)
  expect(await store.get("report")).toEqual({})
  await store.set("report", { runs: 1 })
  await store.set("brief", { last: "today" })
  await store.merge("report", { runs: 2, note: "x" })
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    report: { runs: 2, note: "x" },
    brief: { last: "today" },
  })
  await store.clear("brief")
  await store.clear("missing")
  expect(await store.get("brief")).toEqual({})
  expect(await store.merge("report", { note: null })).toEqual({ runs: 2 })
})

test("two stores of one file lose no update", async () => {
  const stores = [new SkillStateStore(file), new SkillStateStore(file)]
  const merges = Array.from({ length: 40 }, (_, index) =>
    stores[index % 2]?.merge(index % 3 === 0 ? "a" : "b", { [`k${index}`]: index }),
  )
  await Promise.all(merges)
  const [a, b] = await Promise.all([stores[0]?.get("a"), stores[1]?.get("b")])
  expect(Object.keys({ ...a, ...b })).toHaveLength(40)
})

test("names of built-in object members are valid skill names", async () => {
  const store = new SkillStateStore(file)
  expect(await store.get("constructor")).toEqual({})
  await store.set("__proto__", { a: 1 })
  expect(await store.get("__proto__")).toEqual({ a: 1 })
})

test("a state that is too large is refused, and a file that is not JSON is not changed", async () => {
  const store = new SkillStateStore(file)
  await expect(store.set("a", { text: "x".repeat(70_000) })).rejects.toMatchObject({
    code: "state_too_large",
  })
  writeFileSync(file, "notes")
  await expect(store.merge("a", { b: 1 })).rejects.toMatchObject({ code: "state_unreadable" })
  expect(readFileSync(file, "utf8")).toBe("notes")
})
