import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { removeTree } from "../../src/sandbox/workspace/remove-tree.ts"
import { sandboxContract } from "../../src/testing/sandbox-contract.ts"
import type { SandboxHarness } from "../../src/testing/sandbox-harness.ts"
import { has, requires } from "../needs.ts"
import { controlGroups, crashWhileRunning, processes } from "./support/crash.ts"
import { openTestSandboxes, sandboxDirectory } from "./support/open.ts"

let harness: SandboxHarness
let end: () => Promise<void>

beforeEach(() => requires("linux"))
beforeAll(async () => {
  if (!(await has("linux"))) return
  const { sandboxes, directory } = await openTestSandboxes("subprocess")
  harness = { sandboxes, host: "subprocess" }
  end = async () => {
    await sandboxes.close()
    await removeTree(directory)
  }
}, 600_000)
afterAll(() => end?.())

describe("a subprocess keeps the contract of sandboxes:", () => {
  test.each(sandboxContract)("$name", async ({ run }) => run(harness), 180_000)
})

test("what a killed gateway ran is gone after the next start", async () => {
  const directory = await sandboxDirectory()
  await crashWhileRunning("subprocess", directory)
  const { sandboxes } = await openTestSandboxes("subprocess", { directory })
  expect(processes()).toEqual([])
  expect(controlGroups(directory)).toEqual([])
  await sandboxes.close()
  await removeTree(directory)
}, 120_000)
