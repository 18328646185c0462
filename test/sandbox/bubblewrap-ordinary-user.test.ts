import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { chmod, chown, copyFile, mkdir, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { sandboxContract } from "../../src/testing/sandbox/contract.ts"
import type { SandboxCase } from "../../src/testing/sandbox/harness.ts"
import { has, requires } from "../needs.ts"
import { attacks, needControlGroups } from "./support/attacks.ts"
import { ownCases } from "./support/ordinary-user-cases.ts"

const held = (cases: readonly SandboxCase[]) => cases.filter(({ name }) => !needControlGroups.has(name))
const user = 65_534

let folder: string
let gateway: ChildProcess

beforeEach(() => requires("root", "bubblewrap"), 600_000)
beforeAll(async () => {
  if (!(await has("root", "bubblewrap"))) return
  folder = await mkdtemp(join(tmpdir(), "agent-gateway-user-"))
  await chmod(folder, 0o755)
  // A copy of Node in a folder that every user can reach.
  const node = join(folder, "node")
  await copyFile(process.execPath, node)
  const directory = join(folder, "sandboxes")
  await mkdir(directory)
  await chown(directory, user, user)
  gateway = fork(fileURLToPath(new URL("fixtures/ordinary-user.ts", import.meta.url)), [directory], {
    execPath: node,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: { ...process.env, HOME: directory },
  })
  const [first] = await Promise.race([once(gateway, "message"), once(gateway, "exit")])
  expect(first).toBe("ready")
}, 600_000)

afterAll(async () => {
  if (gateway?.exitCode === null) {
    const exited = once(gateway, "exit")
    gateway.kill("SIGKILL")
    await exited
  }
  if (folder !== undefined) await removeTree(folder)
})

async function runThere(name: string): Promise<void> {
  gateway.send(name)
  const [{ problem }] = await once(gateway, "message")
  expect(problem).toBeNull()
}

describe("bubblewrap without root follows the contract of sandboxes:", () => {
  test.each(held(sandboxContract))("$name", ({ name }) => runThere(name))
})

describe("bubblewrap without root holds against", () => {
  test.each(held(attacks))("$name", ({ name }) => runThere(name))
})

describe("bubblewrap without root:", () => {
  test.each(ownCases(""))("$name", ({ name }) => runThere(name))
})
