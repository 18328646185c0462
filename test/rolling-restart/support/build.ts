import { execFile } from "node:child_process"
import { copyFile, mkdir, mkdtemp, rm, stat, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../../..", import.meta.url))
const agentFile = "test/rolling-restart/fixtures/agent.ts"

/** A built copy of the package. */
export interface Build {
  /** The short hash of its commit, or `working tree`. */
  readonly name: string
  /** File of the command line. */
  readonly program: string
  /** File of the agent, which imports this copy. */
  readonly agent: string
  remove(): Promise<void>
}

/** Returns the package of this folder. `npm run build` has built it. */
export function locateWorkingTree(): Build {
  return { name: "working tree", ...locate(root), remove: async () => undefined }
}

/**
 * Builds the package of a commit in a temporary folder, as the project does, with the packages of this folder. Rejects
 * with the output of the build if it fails, for example because the commit needs other packages.
 */
export async function buildCommit(commit: string): Promise<Build> {
  const name = await git("rev-parse", "--short", commit)
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-build-"))
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 20 })
  try {
    const archive = join(folder, "commit.tar")
    await git("archive", "--format=tar", "--output", archive, commit)
    await run("tar", ["-xf", archive, "-C", folder])
    await symlink(join(root, "node_modules"), join(folder, "node_modules"))
    const path = `${join(root, "node_modules/.bin")}:${process.env.PATH}`
    await run("npm", ["run", "build"], { cwd: folder, env: { ...process.env, PATH: path } })
    await addAgent(folder)
    return { name, ...locate(folder), remove }
  } catch (error) {
    await remove()
    const output = error instanceof Error && "stdout" in error ? String(error.stdout) : ""
    throw new Error(`The commit ${name} could not be built.\n${output}`, { cause: error })
  }
}

function locate(folder: string): Pick<Build, "program" | "agent"> {
  return { program: join(folder, "bin/agent-gateway.js"), agent: join(folder, agentFile) }
}

/** A commit from before this test uses the agent of this folder. */
async function addAgent(folder: string): Promise<void> {
  const file = join(folder, agentFile)
  if ((await stat(file).catch(() => null)) !== null) return
  await mkdir(dirname(file), { recursive: true })
  await copyFile(join(root, agentFile), file)
}

/**
 * Resolves to the commit before the newest change of the sources: the last commit if the folder has changes, otherwise
 * the parent of the last commit that changed the sources. Rejects if the clone does not have it.
 */
export async function findCommitBefore(): Promise<string> {
  if ((await git("status", "--porcelain", "--", "src")) !== "") return git("rev-parse", "HEAD")
  const changed = await git("log", "--max-count=1", "--first-parent", "--format=%H", "--", "src")
  return git("rev-parse", "--verify", "--end-of-options", `${changed}^`).catch((error: unknown) => {
    throw new Error(
      `This clone does not have the commit before ${changed}, which the test builds. ` +
        "Fetch more of its history: git fetch --deepen=100",
      { cause: error },
    )
  })
}

/** Runs git in this folder, which may belong to another user. Resolves to its output. */
async function git(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("git", ["-c", `safe.directory=${root.replace(/\/$/, "")}`, ...args], {
    cwd: root,
  })
  return stdout.trim()
}
