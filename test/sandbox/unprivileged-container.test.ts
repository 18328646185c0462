import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { has, requires } from "../needs.ts"
import { containerCases } from "./support/container-cases.ts"
import { sandboxDirectory } from "./support/open.ts"

/**
 * The capabilities of root in an unprivileged Docker container. They exclude mounts, namespaces and control groups.
 */
const capabilities = "CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD SETGID SETPCAP SETUID SYS_CHROOT"

let directory: string
let gateway: ChildProcess | undefined

beforeEach(() => requires("root", "bubblewrap"), 600_000)
beforeAll(async () => {
  if (!(await has("root", "bubblewrap"))) return
  directory = await sandboxDirectory()
  const container = [
    ...["--ro-bind", "/", "/", "--bind", directory, directory, "--proc", "/proc", "--dev", "/dev"],
    ...["--unshare-pid", "--die-with-parent", "--cap-drop", "ALL"],
    ...capabilities.split(" ").flatMap((name) => ["--cap-add", `CAP_${name}`]),
  ]
  const fixture = fileURLToPath(new URL("fixtures/in-container.ts", import.meta.url))
  const program = [process.execPath, "--disable-warning=ExperimentalWarning", fixture, directory]
  gateway = spawn("bwrap", [...container, ...program], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  const [first] = await Promise.race([once(gateway, "message"), once(gateway, "exit")])
  expect(first).toBe("ready")
}, 600_000)

afterAll(async () => {
  if (gateway?.exitCode === null) {
    const exited = once(gateway, "exit")
    gateway.kill("SIGKILL")
    await exited
  }
  if (directory !== undefined) await removeTree(directory)
})

describe("a subprocess in an unprivileged container holds against", () => {
  test.each(containerCases)(
    "$name",
    async ({ name }) => {
      gateway?.send(name)
      const [{ problem }] = await once(gateway as ChildProcess, "message")
      expect(problem).toBeNull()
    },
    180_000,
  )
})
