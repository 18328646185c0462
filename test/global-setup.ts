import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Prepares the machine before the first test file. Returns the function that Vitest calls after the last one. */
export function setup(): () => void {
  createPostgresUser()
  return shareCompiledCode()
}

/**
 * Creates the user that Postgres needs, because Postgres refuses to run as root. The program that starts Postgres for
 * the tests would create the user as well, but two test files would do so at the same time.
 */
function createPostgresUser(): void {
  if (process.getuid?.() !== 0) return
  const users = readFileSync("/etc/passwd", "utf8").split("\n")
  if (users.some((line) => line.startsWith("postgres:"))) return
  execFileSync("useradd", ["--user-group", "postgres"])
}

/**
 * Lets the hundreds of Node processes of the tests share their compiled code. Compilation takes a quarter of the time
 * in which the gateway starts.
 */
function shareCompiledCode(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "agent-gateway-compiled-"))
  process.env.NODE_COMPILE_CACHE = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
