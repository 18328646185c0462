import { spawn } from "node:child_process"
import { once } from "node:events"
import { onTestFinished } from "vitest"
import { findFreePort } from "../../../src/testing/fixtures/free-port.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"
import { installedServer } from "./servers.ts"

export interface HttpServer {
  readonly origin: string
  kill(): Promise<void>
  /** Starts a new process at the same address, which knows nothing of the earlier one. */
  start(): Promise<void>
}

/** Starts `server-everything` over HTTP. It is killed at the end of the test. */
export async function everythingOverHttp(transport: "streamableHttp" | "sse"): Promise<HttpServer> {
  const port = await findFreePort()
  const { command } = installedServer("mcp-server-everything")
  let kill = async () => {}
  async function start() {
    const child = spawn(command, [transport], {
      env: { ...process.env, PORT: String(port) },
      stdio: "ignore",
    })
    const exited = once(child, "exit")
    kill = async () => {
      child.kill("SIGKILL")
      await exited
    }
    await eventually("the server", () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => null,
      ),
    )
  }
  onTestFinished(() => kill())
  await start()
  return { origin: `http://127.0.0.1:${port}`, kill: () => kill(), start }
}
