import { readFileSync } from "node:fs"
import { expect, test } from "vitest"

const root = new URL("../../", import.meta.url)
const page = readFileSync(new URL("docs/reliability.md", root), "utf8")
/** Rows of the tables whose last column has the heading "test". */
const rows = [...page.matchAll(/^\|.* \| test \|\n\|[-|]+\|\n((?:\|.*\n)+)/gm)]
  .flatMap(([, table = ""]) => table.trimEnd().split("\n"))
  .map((line) => line.slice(2, -2).split(" | "))

test("each row of the tables of docs/reliability.md names an existing test", () => {
  expect(rows.length).toBeGreaterThan(20)
  const wrong = rows.filter((cells) => {
    const [, file, name] = /^`(\S+\.test\.ts)`: “(.+)”$/.exec(cells.at(-1) ?? "") ?? []
    if (file === undefined || name === undefined) return true
    return !readFileSync(new URL(file, root), "utf8").includes(`"${name}"`)
  })
  expect(wrong).toEqual([])
})
