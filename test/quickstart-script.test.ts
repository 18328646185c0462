import { spawn } from "node:child_process"
import { readFile, symlink } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test, vi } from "vitest"
import { project } from "./cli-process.ts"
import { patienceMs } from "./patience.ts"

const repository = fileURLToPath(new URL("..", import.meta.url))

const script = "quickstart"

/** Resolves to true while a server responds at the address. */
async function responds(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    return true
  } catch {
    return false
  }
}

// Windows has no SIGTERM.
test.skipIf(process.platform === "win32")("the server of npm run quickstart ends with npm", async () => {
  const { scripts } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"))
  const manifest = { name: "clone", type: "module", scripts: { ...scripts, build: "node --version" } }
  const cwd = await project({ "package.json": JSON.stringify(manifest) })
  for (const folder of ["bin", "examples", "scripts"])
    await symlink(join(repository, folder), join(cwd, folder))
  // The leader of a process group, so that the test can end a server that outlives npm.
  const npm = spawn("npm", ["run", script, "--", "--port", "0"], {
    cwd,
    detached: true,
    env: { ...process.env, npm_config_update_notifier: "false" },
    stdio: ["ignore", "pipe", "ignore"],
  })
  const ended = new Promise<void>((resolve) => npm.on("exit", () => resolve()))
  onTestFinished(async () => {
    try {
      process.kill(-(npm.pid ?? Number.NaN), "SIGKILL")
    } catch {
      // The group has no process left.
    }
    await ended
  })
  let output = ""
  npm.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
  const [, url = ""] = await vi.waitUntil(() => /Listening on (http:\S+?),/.exec(output), {
    timeout: patienceMs,
  })
  expect(await responds(url)).toBe(true)
  npm.kill("SIGTERM")
  await ended
  await vi.waitUntil(async () => !(await responds(url)), { timeout: patienceMs, interval: 100 })
})
