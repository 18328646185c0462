import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { SandboxName } from "../../../src/core/ports/tools/sandbox.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"

const gateway = fileURLToPath(new URL("../fixtures/gateway.ts", import.meta.url))

/** Lets another process run code in this directory, and kills that process with SIGKILL meanwhile. */
export async function crashWhileRunning(
  backend: SandboxName,
  directory: string,
  { socket = "", image = "" }: { readonly socket?: string; readonly image?: string } = {},
): Promise<void> {
  const child = fork(gateway, [backend, directory, pause, socket, image], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  })
  const [message] = await Promise.race([once(child, "message"), once(child, "exit")])
  assert.equal(message, "running")
  await eventually("the code", () => (processes().length > 0 ? true : null))
  child.kill("SIGKILL")
  await once(child, "exit")
}

/** A number of seconds that no other process sleeps for. It identifies the processes of the code. */
const pause = `0.0${process.pid}7`

/** Returns the processes of the code that the killed process ran. */
export function processes(): readonly string[] {
  return globSync("/proc/[0-9]*/cmdline").filter((file) => {
    try {
      return readFileSync(file, "utf8").includes(pause)
    } catch {
      // The process has ended in the meantime.
      return false
    }
  })
}

/** Returns the control groups of this directory's sandboxes. */
export function controlGroups(directory: string): readonly string[] {
  const id = readFileSync(`${directory}/id`, "utf8")
  return globSync(`/sys/fs/cgroup/**/*${id}*`)
}
