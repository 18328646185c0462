// Installs the Claude Agent SDK for the example and the tests that use it. It takes about 370 MB, most of it for the
// Claude Code program, so it is not a dependency of the package.
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, readFile, rmdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { promisify } from "node:util"

const version = "0.3.330"
const example = join(import.meta.dirname, "../examples/16-claude-agent")
const installed = join(example, "node_modules/@anthropic-ai/claude-agent-sdk")
const lock = join(example, "node_modules/.installing")
const installMs = 240_000

/** Resolves when the SDK is installed. Rejects if it cannot be installed. */
export async function installClaudeAgentSdk(): Promise<void> {
  if (await isInstalled()) return
  await mkdir(join(example, "node_modules"), { recursive: true })
  const until = Date.now() + installMs
  while (!(await isLocked())) {
    if (Date.now() > until)
      throw new Error(`Another process installs the SDK. If there is none, remove ${lock}.`)
    await delay(500)
    if (await isInstalled()) return
  }
  try {
    // The peer dependencies are needed only for types, and the repository has them.
    const flags = ["--no-save", "--no-package-lock", "--legacy-peer-deps", "--no-audit", "--no-fund"]
    const packages = [`@anthropic-ai/claude-agent-sdk@${version}`]
    const args = ["install", "--prefix", example, ...flags, ...packages]
    await promisify(execFile)("npm", args, { timeout: installMs, cwd: example })
  } finally {
    await rmdir(lock)
  }
  if (!(await isInstalled())) throw new Error("npm has not installed @anthropic-ai/claude-agent-sdk.")
}

async function isInstalled(): Promise<boolean> {
  const manifest = join(installed, "package.json")
  if (!existsSync(manifest) || existsSync(lock)) return false
  return JSON.parse(await readFile(manifest, "utf8")).version === version
}

async function isLocked(): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false
    throw error
  }
}

if (import.meta.main) await installClaudeAgentSdk()
