import { execFile } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** Programs that the tests need, by the Debian package that has them. */
const packages = {
  dockerd: "docker.io",
  mmdebstrap: "mmdebstrap",
  bwrap: "bubblewrap",
  chromium: "chromium",
  "systemd-analyze": "systemd",
} as const

/** Installs what is missing, and fails, with apt's own words, where that cannot be done: nothing is skipped. */
export async function requirePrograms(...programs: readonly (keyof typeof packages)[]): Promise<void> {
  const missing = programs.filter((program) => !isInstalled(program))
  if (missing.length === 0) return
  const names = missing.map((program) => packages[program])
  await aptGet("update")
  await aptGet("install", "-y", "--no-install-recommends", ...names)
  const still = missing.filter((program) => !isInstalled(program))
  if (still.length > 0)
    throw new Error(`${still.join(", ")} is not there after installing ${names.join(", ")}.`)
}

function isInstalled(program: string): boolean {
  return ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].some((folder) => {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function aptGet(...args: readonly string[]): Promise<void> {
  const options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]
  // At that run level no package starts a service: the tests bring up an engine of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  // Test files run beside each other, and apt does not wait for itself everywhere.
  const lock = join(tmpdir(), "agent-gateway-test-apt.lock")
  const command = [lock, "apt-get", ...options, ...args]
  await run("flock", command, { env, timeout: 900_000, maxBuffer: 64 * 1024 * 1024 })
}
