/**
 * Runs the Python form of the example `21-from-python` on the Python package 0.5.3, with the scripted model of the test
 * of its TypeScript form, and prints what a user sees. Run by hand, with the `bin` folder of a virtual environment:
 *
 *   pip install "ai-agent-gateway[anthropic]==0.5.3" "anthropic<1" "mcp<2" uvicorn
 *   node scripts/original/run-example.ts venv/bin
 */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { findFreePort } from "../../src/testing/fixtures/free-port.ts"
import { startScriptedUpstream } from "../../src/testing/provider/scripted-upstream.ts"
import { visitHelpDesk } from "../../test/migration/support/help-desk.ts"
import { createShopModel } from "../../test/migration/support/shop-model.ts"

const [programs] = process.argv.slice(2)
if (programs === undefined) throw new Error("Pass the bin folder of a virtual environment with the package.")
const example = join(import.meta.dirname, "../../examples/21-from-python")
const cwd = await mkdtemp(join(tmpdir(), "agent-gateway-original-"))
// Anthropic's SDK makes three calls before the first report fails. The second report repeats one call.
const model = await startScriptedUpstream(createShopModel({ failures: 4 }))
const env = {
  PATH: process.env.PATH,
  ANTHROPIC_API_KEY: "sk-1",
  ANTHROPIC_BASE_URL: model.url,
  PYTHONDONTWRITEBYTECODE: "1",
}
try {
  console.log(await serve(visitHelpDesk))
  for (const job of ["report", "watch"]) {
    const options = { cwd, env: { ...env, WATCH_TICKS: "1" }, timeout: 60_000 }
    const { stdout } = await promisify(execFile)(
      resolve(programs, "python"),
      [join(example, "shop.py"), job],
      options,
    )
    console.log(stdout)
  }
  console.log(await readFile(join(cwd, "state/state.json"), "utf8"))
} finally {
  await model.close()
  await rm(cwd, { recursive: true })
}

/** Serves the application while `visit` runs. */
async function serve<Result>(visit: (url: string) => Promise<Result>): Promise<Result> {
  const port = await findFreePort()
  const args = ["shop:app", "--app-dir", example, "--port", String(port), "--log-level", "warning"]
  const server = spawn(resolve(programs ?? "", "uvicorn"), args, { cwd, env, stdio: "inherit" })
  try {
    const url = `http://127.0.0.1:${port}`
    await untilHealthy(`${url}/api/health`)
    return await visit(url)
  } finally {
    server.kill("SIGTERM")
    await once(server, "exit")
  }
}

async function untilHealthy(url: string): Promise<void> {
  const ends = AbortSignal.timeout(30_000)
  while (!(await fetch(url).catch(() => null))?.ok) {
    ends.throwIfAborted()
    await new Promise((resume) => setTimeout(resume, 200))
  }
}
