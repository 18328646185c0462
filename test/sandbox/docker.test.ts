import { readFileSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { removeTree } from "../../src/sandbox/workspace/remove-tree.ts"
import { sandboxContract } from "../../src/testing/sandbox-contract.ts"
import type { SandboxHarness } from "../../src/testing/sandbox-harness.ts"
import { attacks } from "./support/attacks.ts"
import { crashWhileRunning, processes } from "./support/crash.ts"
import { startEngine, type TestEngine, testImage } from "./support/engine.ts"
import { openTestSandboxes } from "./support/open.ts"

let engine: TestEngine
let harness: SandboxHarness
let end: () => Promise<void>

beforeAll(async () => {
  engine = await startEngine()
  const { sandboxes, directory } = await openTestSandboxes("docker", {
    dockerSocket: engine.socket,
    image: testImage,
  })
  harness = { sandboxes, host: "docker" }
  end = async () => {
    await sandboxes.close()
    await removeTree(directory)
  }
}, 900_000)
afterAll(async () => {
  await end?.()
  await engine?.stop()
}, 60_000)

describe("Docker keeps the contract of sandboxes:", () => {
  test.each(sandboxContract)("$name", async ({ run }) => run(harness), 60_000)
})

describe("Docker holds against", () => {
  test.each(attacks)("$name", async ({ run }) => run(harness), 60_000)
})

test("what a killed gateway ran is gone after the next start", async () => {
  const { docker, socket } = engine
  const directory = await mkdtemp(join(tmpdir(), "agent-gateway-sandbox-"))
  const containers = async () => {
    const id = readFileSync(join(directory, "id"), "utf8")
    const label = [`ai-agent-gateway.directory=${id}`, "ai-agent-gateway.session=sess_killed"]
    return docker.listContainers({ all: true, filters: { label } })
  }
  await crashWhileRunning("docker", directory, { socket, image: testImage })
  expect(await containers()).toHaveLength(1)
  const config = { directory, dockerSocket: socket, image: testImage }
  const { sandboxes } = await openTestSandboxes("docker", config)
  expect(await containers()).toEqual([])
  expect(processes()).toEqual([])
  await sandboxes.close()
  await removeTree(directory)
}, 60_000)
