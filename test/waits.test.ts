import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { patienceMs, testLimitMs } from "./patience.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const waits = /(?:\{ ?|interval: [\d_]+, )(?:timeout|withinMs): (?<ms>[\d_]+)/g
/** The last argument of a test or a hook, or the limit of all tests of a file. */
const tests = /(?:^ *\}, (?=[\d_]+_000\)$)|(?:test|hook)Timeout: )(?<ms>[\d_]+)/gm

test("no test and no wait has a limit that a stalling machine exceeds", () => {
  const files = globSync(["src/**/*.test.ts", "test/**/*.ts"], { cwd: root })
  expect(files.length).toBeGreaterThan(400)
  const shorterThan = (limitMs: number, pattern: RegExp) =>
    files.flatMap((file) =>
      [...readFileSync(`${root}${file}`, "utf8").matchAll(pattern)].flatMap(([text, ms = ""]) => {
        const limit = Number(ms.replaceAll("_", ""))
        return limit > 0 && limit < limitMs ? [`${file}: ${text}`] : []
      }),
    )
  expect(shorterThan(patienceMs, waits)).toEqual([])
  expect(shorterThan(testLimitMs, tests)).toEqual([])
})
