import { expect, test } from "vitest"
import { type Architecture, violations } from "./rules.ts"
import { parseSourceFile } from "./source-file.ts"

const architecture: Architecture = {
  folders: {
    core: [],
    http: ["core", "sessions"],
    sessions: ["core"],
    client: ["http/wire"],
    ".": ["core", "http"],
    "features/*": ["core"],
  },
  divided: ["features"],
  pure: ["core"],
  libraries: {},
  readProcess: ["http/wire", "core/env.ts"],
  exportAll: ["index.ts"],
  maxLines: 10,
}

function check(files: Readonly<Record<string, string>>): readonly string[] {
  const tree = Object.entries(files).map(([path, text]) => parseSourceFile(path, text))
  return violations(tree, architecture)
}

test("a tree that follows the rules has no violations", () => {
  expect(
    check({
      "core/a.ts": 'import type { B } from "./b.ts"\nexport type A = B\n',
      "core/b.ts": 'import type { A } from "./a.ts"\nexport type B = A\n',
      "core/ports/c.ts": 'import { a } from "../a.ts"\nexport const c = a\n',
      "sessions/s.ts": 'import { c } from "../core/ports/c.ts"\nexport const s = c\n',
      "http/wire/w.ts":
        'import { s } from "../../sessions/s.ts"\nimport { z } from "zod"\nexport const w = process.env.W\n',
      "client/c.ts": 'import type { w } from "../http/wire/w.ts"\nexport type C = typeof w\n',
      "core/env.ts": "export const argv = process.argv\n",
      "index.ts": 'export { w } from "./http/wire/w.ts"\nexport type { A } from "./core/a.ts"\n',
      "core/a.test.ts": 'import { w } from "../http/wire/w.ts"\nimport { test } from "vitest"\n',
      "core/fixtures/f.ts": 'import { w } from "../../http/wire/w.ts"\nexport const f = w\n',
    }),
  ).toEqual([])
})

test.each([
  ["by value", 'import { h } from "../http/h.ts"'],
  ["by type", 'import type { H } from "../http/h.ts"'],
  ["by an inline type", 'type H = import("../http/h.ts").H'],
  ["dynamically", 'export const h = await import("../http/h.ts")'],
  ["for its effects", 'import "../http/h.ts"'],
  ["by a re-export", 'export { h } from "../http/h.ts"'],
  ["by a type re-export", 'export type { H } from "../http/h.ts"'],
])("an import against the direction is found, %s", (_name, text) => {
  expect(check({ "sessions/s.ts": text })).toEqual(["sessions/s.ts imports http/h.ts, but sessions may not"])
})

test("only the sub-folder that is allowed may be imported", () => {
  expect(check({ "client/c.ts": 'import "../http/app.ts"' })).toEqual([
    "client/c.ts imports http/app.ts, but client may not",
  ])
})

test("a folder that is not in the table is found, even with the name of an inherited member", () => {
  expect(check({ "utils/u.ts": "", "constructor/c.ts": "" })).toEqual([
    "utils/u.ts is in utils, a folder that the architecture does not know",
    "constructor/c.ts is in constructor, a folder that the architecture does not know",
  ])
})

test.each(["node:fs", "fs", "zod"])("a pure folder may not import %s", (specifier) => {
  expect(check({ "core/a.ts": `import type { X } from "${specifier}"` })).toEqual([
    `core/a.ts imports ${specifier}, but core imports nothing`,
  ])
})

test("a cycle of value imports between the files of a folder is found", () => {
  expect(
    check({
      "core/a.ts": 'import { b } from "./b.ts"\nexport const a = b',
      "core/b.ts": 'import { c } from "./c.ts"\nexport const b = c',
      "core/c.ts": 'import { type A, b } from "./b.ts"\nexport const c = b',
    }),
  ).toEqual(["import cycle: core/b.ts → core/c.ts → core/b.ts"])
})

test("a cycle of type imports between folders is found, even across different files", () => {
  const { folders, ...rest } = architecture
  const tree = [
    parseSourceFile("sessions/a.ts", 'import type { B } from "../http/b.ts"'),
    parseSourceFile("http/c.ts", 'import type { D } from "../sessions/d.ts"'),
  ]
  expect(violations(tree, { ...rest, folders: { ...folders, sessions: ["http"] } })).toEqual([
    "import cycle: sessions → http → sessions",
  ])
})

test("a file that is too long is found, including tests", () => {
  expect(check({ "core/a.test.ts": "\n".repeat(11) })).toEqual([
    "core/a.test.ts has 11 lines; the most is 10",
  ])
})

test.each([
  ["export default 1", "core/a.ts has a default export"],
  ["const a = 1\nexport { a as default }", "core/a.ts has a default export"],
  ['export * from "./b.ts"', "core/a.ts uses export *"],
  ['export * as b from "./b.ts"', "core/a.ts uses export *"],
])("%j is found", (text, message) => {
  expect(check({ "core/a.ts": text })).toEqual([message])
})

test("only the named files may use export *", () => {
  expect(check({ "index.ts": 'export * from "./core/a.ts"', "core/a.ts": "" })).toEqual([])
})

test.each(["env.HOME", "argv[2]"])("reading process.%s outside the named files is found", (property) => {
  expect(check({ "sessions/s.ts": `export const x = process.${property}` })).toEqual([
    "sessions/s.ts reads process.env or process.argv",
  ])
})

test("a file that cannot be parsed fails the check", () => {
  expect(() => check({ "core/a.ts": "const = 1" })).toThrow("core/a.ts cannot be parsed")
})

test("a part of a divided folder may not import another part", () => {
  expect(
    check({
      "features/a/a.ts": 'import { c } from "../../core/c.ts"\nexport const a = c\n',
      "features/b/b.ts": 'import { a } from "../a/a.ts"\nexport const b = a\n',
      "core/c.ts": "export const c = 1\n",
    }),
  ).toEqual(["features/b/b.ts imports features/a/a.ts, but features/b may not"])
})
