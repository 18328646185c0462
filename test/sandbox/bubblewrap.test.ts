import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { removeTree } from "../../src/sandbox/workspace/remove-tree.ts"
import { sandboxContract } from "../../src/testing/sandbox-contract.ts"
import type { SandboxHarness } from "../../src/testing/sandbox-harness.ts"
import { requirePrograms } from "../debian-packages.ts"
import { attacks } from "./support/attacks.ts"
import { controlGroups, crashWhileRunning, processes } from "./support/crash.ts"
import { openTestSandboxes } from "./support/open.ts"

let harness: SandboxHarness
let end: () => Promise<void>

beforeAll(async () => {
  await requirePrograms("bwrap")
  const { sandboxes, directory } = await openTestSandboxes("bubblewrap")
  harness = { sandboxes, host: "bubblewrap" }
  end = async () => {
    await sandboxes.close()
    await removeTree(directory)
  }
}, 600_000)
afterAll(() => end?.())

describe("bubblewrap keeps the contract of sandboxes:", () => {
  test.each(sandboxContract)("$name", async ({ run }) => run(harness), 60_000)
})

describe("bubblewrap holds against", () => {
  test.each(attacks)("$name", async ({ run }) => run(harness), 60_000)
})

test("what a killed gateway ran is gone after the next start", async () => {
  const directory = await mkdtemp(join(tmpdir(), "agent-gateway-sandbox-"))
  await crashWhileRunning("bubblewrap", directory)
  const { sandboxes } = await openTestSandboxes("bubblewrap", { directory })
  expect(processes()).toEqual([])
  expect(controlGroups(directory)).toEqual([])
  await sandboxes.close()
  await removeTree(directory)
}, 60_000)
