import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { bundleProgram } from "../../bundle-program.ts"

const program = await bundleProgram(new URL("../fixtures/node.ts", import.meta.url))

export interface NodeProcess {
  /** Resolves when the process fires schedules. Rejects if it ends before that. */
  readonly ready: Promise<void>
  /** Kills the process with SIGKILL. Resolves when it has ended. */
  kill(): Promise<void>
}

export function startNode(store: string): NodeProcess {
  const child = fork(program, {
    env: { ...process.env, STORE: store },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
  const exited = once(child, "exit")
  return {
    ready: untilReady(child, exited),
    async kill() {
      child.kill("SIGKILL")
      await exited
    },
  }
}

async function untilReady(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  const isReady = await Promise.race([once(child, "message").then(() => true), exited.then(() => false)])
  if (!isReady && child.signalCode !== "SIGKILL")
    throw new Error(`A node ended at its start: ${child.exitCode}.`)
}
