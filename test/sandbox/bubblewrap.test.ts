import { execFileSync } from "node:child_process"
import { stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { sandboxContract } from "../../src/testing/sandbox/contract.ts"
import { openNewSandbox, run, type SandboxHarness } from "../../src/testing/sandbox/harness.ts"
import { has, requires } from "../needs.ts"
import { attacks, needControlGroups } from "./support/attacks.ts"
import { controlGroups, crashWhileRunning, processes } from "./support/crash.ts"
import { openTestSandboxes, sandboxDirectory } from "./support/open.ts"

let harness: SandboxHarness
let end: () => Promise<void>

beforeEach(() => requires("bubblewrap"), 600_000)
beforeAll(async () => {
  if (!(await has("bubblewrap"))) return
  const { sandboxes, directory } = await openTestSandboxes("bubblewrap")
  harness = { sandboxes, host: "bubblewrap" }
  end = async () => {
    await sandboxes.close()
    await removeTree(directory)
  }
}, 600_000)
afterAll(() => end?.())

describe("bubblewrap follows the contract of sandboxes:", () => {
  test.each(sandboxContract)("$name", async ({ run }) => run(harness))
})

describe("bubblewrap holds against", () => {
  test.each(attacks)(
    "$name",
    async ({ name, run }) => {
      if (needControlGroups.has(name)) await requires("root")
      await run(harness)
    },
    180_000,
  )
})

/** Python that pauses between two writes. The gateway checks the disk at intervals, so the last writes are slow. */
const pause = `
import os, time
def pause():
    disk = os.statvfs(".")
    time.sleep(0.02 if disk.f_bavail > disk.f_blocks * 0.07 else 2)`

test("a deleted file that is held open cannot fill the disk, although no quota counts it", async () => {
  await requires("root")
  const directory = await sandboxDirectory()
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m,mode=711", "tmpfs", directory])
  try {
    const { sandboxes } = await openTestSandboxes("bubblewrap", { directory, memoryMb: 256 })
    const small = { sandboxes, host: "bubblewrap" } as const
    const sandbox = await openNewSandbox(small)
    const code = `
${pause}
files = []
for index in range(3):
    files.append(open("hidden", "wb", buffering=0))
    os.unlink("hidden")
    for _ in range(30):
        files[-1].write(b"x" * 1_000_000)
        pause()
        if os.statvfs(".").f_bavail == 0: print("full")`
    const outcome = await run(small, sandbox, code)
    expect(outcome).toMatchObject({ reason: "diskFull", stdout: "" })
    expect((await run(small, sandbox, "print('room')")).stdout).toBe("room\n")
    await sandboxes.close()
  } finally {
    execFileSync("umount", ["--lazy", directory])
    await removeTree(directory)
  }
})

const fillings = {
  files: `
${pause}
for index in range(1000):
    open(f"fill-{index}", "wb").write(b"x" * 500_000)
    pause()`,
  "files in messages": `
${pause}
import socket
sender, receiver = socket.socketpair()
for index in range(1000):
    fd = os.open(".", os.O_TMPFILE | os.O_RDWR)
    os.write(fd, b"x" * 500_000)
    socket.send_fds(sender, [b"x"], [fd])
    os.close(fd)
    pause()`,
} as const

test.each(Object.entries(fillings))(
  "when the disk is short because of %s, only the code that fills it is ended",
  async (_, filling) => {
    await requires("root")
    const directory = await sandboxDirectory()
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m,mode=711", "tmpfs", directory])
    try {
      const { sandboxes } = await openTestSandboxes("bubblewrap", { directory })
      const small = { sandboxes, host: "bubblewrap" } as const
      // The disk now has less space than the quota of one session.
      await writeFile(join(directory, "ballast"), Buffer.alloc(34_000_000))
      const [modest, greedy] = await Promise.all([openNewSandbox(small), openNewSandbox(small)])
      const waiting = `
import os, time
open("own", "wb").write(b"x" * 1_000_000)
while not os.path.exists("go"): time.sleep(0.02)
print("survived", os.path.getsize("own"))`
      const surviving = run(small, modest, waiting)
      expect((await run(small, greedy, filling)).reason).toBe("diskFull")
      await modest.writeFile("go", Buffer.from(""))
      expect(await surviving).toMatchObject({ reason: "exited", stdout: "survived 1000000\n" })
      await sandboxes.close()
    } finally {
      execFileSync("umount", ["--lazy", directory])
      await removeTree(directory)
    }
  },
  120_000,
)

test("a setuid program that code leaves cannot be started by another user of the machine", async () => {
  await requires("root")
  const { sandboxes, directory } = await openTestSandboxes("bubblewrap")
  const session = { id: "sess_setuid", tenant: "test", userId: "test" }
  const sandbox = await sandboxes.open(session)
  const code = `
import os, shutil
shutil.copy("/bin/true", "program")
os.chmod("program", 0o4755)
os.chmod(".", 0o755)`
  expect((await run({ sandboxes, host: "bubblewrap" }, sandbox, code)).exitCode).toBe(0)
  const program = join(directory, "sessions/sess_setuid/files/program")
  // The gateway itself can access the file.
  expect((await stat(program)).mode & 0o7777).toBe(0o4755)
  const asAnother = (uid: number) => () => execFileSync(program, { uid, gid: uid, stdio: "pipe" })
  expect(asAnother(65_534)).toThrow(/EACCES/)
  await sandboxes.close()
  await removeTree(directory)
})

test("processes of a killed gateway are gone after the next start", async () => {
  const directory = await sandboxDirectory()
  await crashWhileRunning("bubblewrap", directory)
  const { sandboxes } = await openTestSandboxes("bubblewrap", { directory })
  expect(processes()).toEqual([])
  expect(controlGroups(directory)).toEqual([])
  await sandboxes.close()
  await removeTree(directory)
})
