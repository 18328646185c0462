import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Prepares the machine before the first test file. */
export function setup(): void {
  createPostgresUser()
  shareCompiledCode()
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
 * Lets the hundreds of Node processes of the tests, and those of the next run, share their compiled code. Compilation
 * takes a quarter of the time in which the gateway starts. Node compares each entry with the source, and replaces it.
 */
function shareCompiledCode(): void {
  process.env.NODE_COMPILE_CACHE = fileURLToPath(
    new URL("../node_modules/.cache/agent-gateway-compiled", import.meta.url),
  )
}
