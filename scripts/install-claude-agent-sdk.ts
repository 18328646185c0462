// Installs the Claude Agent SDK for the example and the tests that use it. It takes about 370 MB, most of it for the
// Claude Code program, so it is not a dependency of the package.
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { installOnce } from "./install-once.ts"

const version = "0.3.330"
const example = join(import.meta.dirname, "../examples/16-claude-agent")
const manifest = join(example, "node_modules/@anthropic-ai/claude-agent-sdk/package.json")
const installMs = 240_000

/** Resolves when the SDK is installed. Rejects if it cannot be installed. */
export async function installClaudeAgentSdk(): Promise<void> {
  await installOnce({
    name: "the Claude Agent SDK",
    folder: example,
    installMs,
    isComplete: async () =>
      existsSync(manifest) && JSON.parse(await readFile(manifest, "utf8")).version === version,
    async install() {
      // The peer dependencies are needed only for types, and the repository has them.
      const flags = ["--no-save", "--no-package-lock", "--legacy-peer-deps", "--no-audit", "--no-fund"]
      const packages = [`@anthropic-ai/claude-agent-sdk@${version}`]
      const args = ["install", "--prefix", example, ...flags, ...packages]
      await promisify(execFile)("npm", args, { timeout: installMs, cwd: example })
    },
  })
}

if (import.meta.main) await installClaudeAgentSdk()
