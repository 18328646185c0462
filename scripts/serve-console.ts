import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { consoleAddress } from "./until-printed.ts"

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url))

/** Runs `agent-gateway dev` of the built package with an agent of the repository, and an empty store. */
export async function serveConsole(agent: string, env: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), "console-"))
  const gateway = spawn(process.execPath, [path("bin/agent-gateway.js"), "dev", path(agent), "--port", "0"], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const url = await consoleAddress(gateway.stdout)
  gateway.stdout.resume()
  return {
    url,
    async close() {
      gateway.kill("SIGTERM")
      await once(gateway, "exit")
      await rm(folder, { recursive: true, force: true })
    },
  }
}
