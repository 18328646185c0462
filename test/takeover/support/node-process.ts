import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundleProgram } from "../../bundle-program.ts"

const program = await bundleProgram(new URL("../fixtures/node.ts", import.meta.url))

/** A gateway process of the measurement. */
export interface NodeProcess {
  readonly name: string
  readonly url: string
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void
  /** Kills the process. Resolves when it has ended. */
  kill(): Promise<void>
}

export async function startNode(options: {
  readonly name: string
  readonly folder: string
  readonly store: string
}): Promise<NodeProcess> {
  const { name, folder, store } = options
  const child: ChildProcess = spawn(process.execPath, [program], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: join(tmpdir(), "agent-gateway-takeover-cache"),
      FOLDER: folder,
      STORE: store,
      NAME: name,
    },
  })
  const exited = once(child, "exit")
  const listening = new Promise<string>((resolve) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const [, url] = /^Listening on (\S+)$/m.exec(text) ?? []
      if (url !== undefined) resolve(url)
    })
  })
  const url = await Promise.race([
    listening,
    exited.then(() => Promise.reject(new Error(`The node ${name} did not start.`))),
  ])
  return {
    name,
    url,
    signal: (signal) => child.kill(signal),
    async kill() {
      child.kill("SIGKILL")
      await exited
    },
  }
}
