import { expect, test } from "vitest"
import type { Sandbox } from "../../core/ports/sandbox.ts"
import { startCode } from "./run-code.ts"

test("a report fits into its bound, however long the names of its files are", async () => {
  let listed = 0
  const sandbox: Sandbox = {
    async *exec() {
      yield { type: "output", stream: "stdout", bytes: Buffer.from("x".repeat(5_000)) }
      yield { type: "exit", exitCode: 0, reason: "exited" }
    },
    async files() {
      listed += 1
      if (listed === 1) return []
      return Array.from({ length: 100 }, (_, index) => {
        return { path: `${index}-${"ü".repeat(2_000)}`, size: 1, version: "1" }
      })
    },
    readFile: async () => null,
    async writeFile() {},
  }
  const run = startCode({
    sandbox,
    request: { host: "docker", language: "shell", code: "", timeoutMs: 1_000 },
    maxOutputBytes: 10_000,
    signal: new AbortController().signal,
    onOutput() {},
  })
  await run.ended
  const report = run.report(50_000)
  expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(50_000)
  expect(report.files.length).toBeGreaterThan(5)
  expect(report.truncated).toBe(true)
  expect(run.report(1_000_000)).toMatchObject({ truncated: false, files: { length: 100 } })
})
