import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/**
 * Postgres refuses to run as root. What starts it for the tests makes the user that it needs, but two test files that
 * start at once would both try. Called by Vitest before the first of them.
 */
export function setup(): void {
  if (process.getuid?.() !== 0) return
  const users = readFileSync("/etc/passwd", "utf8").split("\n")
  if (users.some((line) => line.startsWith("postgres:"))) return
  execFileSync("useradd", ["--user-group", "postgres"])
}
