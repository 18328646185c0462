import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/**
 * Creates the user that Postgres needs, because Postgres refuses to run as root. The program that starts Postgres for
 * the tests would create the user as well, but two test files would do so at the same time. Vitest calls this
 * function before the first test file.
 */
export function setup(): void {
  if (process.getuid?.() !== 0) return
  const users = readFileSync("/etc/passwd", "utf8").split("\n")
  if (users.some((line) => line.startsWith("postgres:"))) return
  execFileSync("useradd", ["--user-group", "postgres"])
}
