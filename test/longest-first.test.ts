import { existsSync } from "node:fs"
import { expect, test } from "vitest"
import { longestFiles } from "./longest-first.ts"

test("the files that start first exist", () => {
  expect(longestFiles.filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual([])
})
