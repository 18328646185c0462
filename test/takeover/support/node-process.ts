import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundleProgram } from "../../bundle-program.ts"
import { startListening } from "../../listening-process.ts"

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
  const { url, signal, end } = await startListening({
    name,
    args: [program],
    cwd: folder,
    env: {
      NODE_COMPILE_CACHE: join(tmpdir(), "agent-gateway-takeover-cache"),
      FOLDER: folder,
      STORE: store,
      NAME: name,
    },
  })
  return { name, url, signal, kill: async () => void (await end("SIGKILL")) }
}
