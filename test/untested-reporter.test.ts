import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url))
const config = fileURLToPath(new URL("fixtures/untested/vitest.config.ts", import.meta.url))

/** Runs the sample's tests, like `npm test` for the project. */
function runSample(variables: Readonly<Record<string, string>>, ...options: readonly string[]) {
  const neither = { CI: "", AGENT_GATEWAY_TEST_USER: "" }
  const env = { ...process.env, ...neither, ...variables, NO_COLOR: "1" }
  const args = [vitest, "run", "--config", config, ...options]
  return new Promise<{ readonly code: number | string; readonly stdout: string }>((resolve) => {
    execFile(process.execPath, args, { env }, (error, stdout) => resolve({ code: error?.code ?? 0, stdout }))
  })
}

test("tests that a machine cannot run are skipped, and listed at the end with their requirements", async () => {
  const { code, stdout } = await runSample({})
  expect(stdout).toContain(`
Not tested here, 3 tests:
  2 in sample.ts: needs root on Debian or Ubuntu, to start a Docker engine of its own
  1 in sample.ts: needs root on Linux, to mount file systems and to become other users
To test everything, run npm test as root on Debian or Ubuntu: it installs what is missing.
With CI=true a missing component is a failure.
`)
  expect(code).toBe(0)
})

test("tests that a filter leaves out are not listed", async () => {
  const { stdout } = await runSample({}, "-t", "needs nothing")
  expect(stdout).not.toContain("Not tested here")
})

test("nothing is skipped with CI=true, and a missing requirement is a failure", async () => {
  const { code, stdout } = await runSample({ CI: "true" }, "--reporter=tap-flat")
  expect(stdout.match(/^not ok/gm)).toHaveLength(3)
  expect(stdout.match(/^ok/gm)).toHaveLength(1)
  expect(stdout).not.toContain("SKIP")
  expect(stdout).toContain("This test needs root on Linux")
  expect(code).toBe(1)
})

test("only what needs root is skipped in the run of CI as an ordinary user", async () => {
  const { code, stdout } = await runSample({ CI: "true", AGENT_GATEWAY_TEST_USER: "ordinary" })
  expect(stdout).toContain("Not tested here, 3 tests:")
  expect(code).toBe(0)
})
