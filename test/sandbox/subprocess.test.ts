import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createReadinessCheck } from "../../src/features/sandbox/code-execution/findings.ts"
import type { OpenedSandboxes } from "../../src/features/sandbox/open-sandboxes.ts"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { sandboxContract } from "../../src/testing/sandbox/contract.ts"
import { openNewSandbox, run, type SandboxHarness } from "../../src/testing/sandbox/harness.ts"
import { has, requires } from "../needs.ts"
import { controlGroups, crashWhileRunning, processes } from "./support/crash.ts"
import { openTestSandboxes, sandboxDirectory, silent } from "./support/open.ts"

let harness: SandboxHarness & { readonly sandboxes: OpenedSandboxes }
let end: () => Promise<void>

beforeEach(() => requires("linux"))
beforeAll(async () => {
  if (!(await has("linux"))) return
  const { sandboxes, directory } = await openTestSandboxes("subprocess")
  harness = { sandboxes, host: "subprocess" }
  end = async () => {
    await sandboxes.close()
    await removeTree(directory)
  }
}, 600_000)
afterAll(() => end?.())

describe("a subprocess follows the contract of sandboxes:", () => {
  test.each(sandboxContract)("$name", async ({ run }) => run(harness))
})

test("the readiness check says with which rights the code runs", async () => {
  const check = createReadinessCheck(harness.sandboxes, silent)
  const rights =
    process.getuid?.() === 0
      ? "the code of each session runs as a user of its own"
      : "code has the rights of the gateway's own user, also on the store and the keys of the gateway"
  expect((await check()).detail).toContain(`subprocess (no sandbox; ${rights}; limits by `)
})

test("code finds its Python first, and the gateway's own Node after the programs of the machine", async () => {
  const sandbox = await openNewSandbox(harness)
  const program = (await run(harness, sandbox, "import sys; print(sys.executable)")).stdout.trim()
  const { stdout } = await run(harness, sandbox, "which python3; echo $PATH", { language: "shell" })
  const system = ["/usr/local/bin", "/usr/bin", "/bin"]
  const folder = dirname(program)
  const first = system.includes(folder) ? [] : [folder]
  const path = [...first, ...system, dirname(process.execPath)].join(":")
  expect(stdout).toBe(`${join(folder, "python3")}\n${path}\n`)
})

test("shared memory, semaphores and queues do not survive an execution", async () => {
  const sandbox = await openNewSandbox(harness)
  const code = `
import ctypes, os
libc = ctypes.CDLL(None)
print(min(libc.shmget(0, 4096, 0o1600), libc.semget(0, 1, 0o1600), libc.msgget(0, 0o1600)) >= 0, os.getuid())`
  const [made, uid] = (await run(harness, sandbox, code)).stdout.trim().split(" ")
  expect(made).toBe("True")
  // Without root, code runs as the gateway's user, who may have such objects from other programs.
  if (process.getuid?.() !== 0) return
  for (const kind of ["shm", "sem", "msg"]) {
    expect(readFileSync(`/proc/sysvipc/${kind}`, "utf8").split(/\s+/)).not.toContain(uid)
  }
})

test("deleted files that are registered with an io_uring count as hidden", async () => {
  await requires("root")
  // io_uring_setup, io_uring_register with IORING_REGISTER_FILES and IORING_REGISTER_FILES_UPDATE.
  const code = `
import ctypes, os, struct, time
libc = ctypes.CDLL(None)
ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))
table = (ctypes.c_int * 64)(*([-1] * 64))
if ring < 0 or libc.syscall(427, ring, 2, table, 64) != 0:
    print("refused")
    raise SystemExit
time.sleep(1)
for index in range(40):
    fd = os.open("deleted", os.O_CREAT | os.O_RDWR)
    os.unlink("deleted")
    for _ in range(16): os.write(fd, b"x" * (1 << 20))
    files = (ctypes.c_int * 1)(fd)
    update = struct.pack("IIQ", index, 0, ctypes.addressof(files))
    libc.syscall(427, ring, 6, ctypes.create_string_buffer(update, 16), 1)
    os.close(fd)
    time.sleep(0.05)
time.sleep(60)`
  const { reason, stdout } = await run(harness, await openNewSandbox(harness), code)
  // Some kernels do not support io_uring.
  if (stdout !== "refused\n") expect(reason).toBe("diskFull")
})

test("processes of a killed gateway are gone after the next start", async () => {
  const directory = await sandboxDirectory()
  await crashWhileRunning("subprocess", directory)
  const { sandboxes } = await openTestSandboxes("subprocess", { directory })
  expect(processes()).toEqual([])
  expect(controlGroups(directory)).toEqual([])
  await sandboxes.close()
  await removeTree(directory)
})
