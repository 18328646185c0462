import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { beforeEach, expect, onTestFinished, test } from "vitest"
import { trimWorkspace } from "../../src/features/sandbox/workspace/trim.ts"
import { requires } from "../needs.ts"

/**
 * Code swaps the files that the gateway removes, in a working directory that bubblewrap has bound like a session's.
 */

beforeEach(() => requires("bubblewrap"), 600_000)

/**
 * Returns code that builds a tree that is too deep to measure, so that the gateway removes the whole tree. The code
 * replaces the tree with a link to `target` as soon as the removal has started. With an earlier replacement, only the
 * link would be removed. New files prevent the removal from succeeding.
 */
const swapping = (target: string) => `
import os
deep = "deep/" + "/".join("d" * 40)
os.makedirs(deep)
for index in range(500): open(f"{deep}/{index}", "w").close()
inside = os.open(deep, os.O_DIRECTORY | os.O_RDONLY)
print("ready", flush=True)
while len(os.listdir(inside)) == 500: pass
if os.fork() == 0:
    try:
        for index in range(1000, 100000): os.close(os.open(str(index), os.O_CREAT, dir_fd=inside))
    except OSError: os._exit(0)
for name in os.listdir("."):
    os.rename(name, "elsewhere")
    os.symlink(${JSON.stringify(target)}, name)
try: os.wait()
except OSError: pass`

function runInBubblewrap(workspace: string, code: string) {
  const sandbox = ["--ro-bind", "/", "/", "--unshare-pid", "--die-with-parent", "--bind", workspace, "/mnt"]
  return spawn("bwrap", [...sandbox, "--chdir", "/mnt", "/usr/bin/python3", "-c", code], {
    stdio: ["ignore", "pipe", "inherit"],
  })
}

/** Creates a folder that must not change, and records the modes of its entries. */
async function folderOfTheHost() {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-victim-"))
  await mkdir(join(folder, "inner"))
  await writeFile(join(folder, "inner/file"), "of the host")
  const paths = ["inner/file", "inner", ""].map((path) => join(folder, path))
  for (const path of paths) await chmod(path, 0o500)
  onTestFinished(async () => {
    for (const path of paths.toReversed()) await chmod(path, 0o700)
    await rm(folder, { recursive: true })
  })
  const modes = () => Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o7777))
  return { folder, modes }
}

test("a tree that code replaces with a link during its removal does not lead to files of the host", async () => {
  const { folder, modes } = await folderOfTheHost()
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const place = await mkdtemp(join(tmpdir(), "agent-gateway-swapping-"))
    const workspace = join(place, "files")
    await mkdir(workspace)
    onTestFinished(() => rm(place, { recursive: true, force: true }))
    const child = runInBubblewrap(workspace, swapping(folder))
    const exited = once(child, "exit")
    await once(createInterface(child.stdout), "line")
    const quota = { bytes: 1, entries: 1 }
    await trimWorkspace(workspace, { quota, startedAt: 0, signal: new AbortController().signal })
    child.kill("SIGKILL")
    await exited
    expect(await modes()).toEqual([0o500, 0o500, 0o500])
  }
})
