import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { patienceMs } from "./patience.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const limits = /\{ ?(?:timeout|testTimeout|withinMs): (?<ms>[\d_]+)/g

test("no test and no wait has a limit that a stalling machine exceeds", () => {
  const files = globSync(["src/**/*.test.ts", "test/**/*.ts"], { cwd: root })
  expect(files.length).toBeGreaterThan(400)
  const short = files.flatMap((file) =>
    [...readFileSync(`${root}${file}`, "utf8").matchAll(limits)].flatMap(([text, ms = ""]) => {
      const limit = Number(ms.replaceAll("_", ""))
      return limit > 0 && limit < patienceMs ? [`${file}: ${text}`] : []
    }),
  )
  expect(short).toEqual([])
})
