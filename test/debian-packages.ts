import { execFile } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The Debian packages of programs that the tests need. */
const packages = {
  dockerd: "docker.io",
  mmdebstrap: "mmdebstrap",
  bwrap: "bubblewrap",
  "chromium-headless-shell": "chromium-headless-shell",
  "systemd-analyze": "systemd",
  pgbouncer: "pgbouncer",
} as const

/** Installs missing programs. If that fails, throws an error with the output of apt. No test is skipped. */
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

export async function aptGet(...args: readonly string[]): Promise<void> {
  const options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]
  // At this run level, packages do not start services. The tests start their own engine.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  // Test files run concurrently, and some apt commands do not wait for each other.
  const lock = join(tmpdir(), "agent-gateway-test-apt.lock")
  const command = [lock, "apt-get", ...options, ...args]
  await run("flock", command, { env, timeout: 900_000, maxBuffer: 64 * 1024 * 1024 })
}
