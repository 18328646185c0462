// Installs Prometheus and promtool for the tests of metrics, from Debian's package. Only the two programs are unpacked,
// so that no service starts and no other package is needed. They take 100 MB.
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { aptGet } from "../test/debian-packages.ts"
import { installOnce } from "./install-once.ts"

const run = promisify(execFile)
// npm leaves hidden folders of `node_modules` alone.
const cache = join(import.meta.dirname, "../node_modules/.cache")
const folder = join(cache, "prometheus")
const installMs = 300_000

export const prometheusProgram = join(folder, "usr/bin/prometheus")
export const promtoolProgram = join(folder, "usr/bin/promtool")

/** Resolves when the programs are installed. Rejects if they cannot be installed. */
export async function installPrometheus(): Promise<void> {
  await mkdir(cache, { recursive: true })
  await installOnce({
    name: "Prometheus",
    folder: cache,
    installMs,
    isComplete: async () => existsSync(promtoolProgram),
    async install() {
      const parts = `${folder}.part`
      await rm(parts, { recursive: true, force: true })
      await mkdir(parts, { recursive: true })
      try {
        const options = { cwd: parts, timeout: installMs }
        const download = () => run("apt-get", ["-o", "Acquire::Retries=3", "download", "prometheus"], options)
        // Without lists of packages, the first download fails.
        await download().catch(async () => {
          await aptGet("update")
          await download()
        })
        const [file = ""] = await readdir(parts)
        await run("dpkg-deb", ["--extract", file, "."], options)
        await rm(folder, { recursive: true, force: true })
        await rename(parts, folder)
      } finally {
        await rm(parts, { recursive: true, force: true })
      }
    },
  })
}

if (import.meta.main) await installPrometheus()
