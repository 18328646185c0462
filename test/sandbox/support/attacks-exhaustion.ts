import assert from "node:assert/strict"
import { exec, openNewSandbox, run, type SandboxCase } from "../../../src/testing/sandbox/harness.ts"
import { assertStill } from "../../../src/testing/sandbox/heartbeat.ts"
import { hiding } from "./attacks-hiding.ts"

const gigabyte = 1_000_000_000
/** Maximum bytes by which the gateway may grow while it handles any amount of output. */
const allowedGrowth = 150 * 1024 * 1024

/** Maximum written megabytes for a quota of 32. It includes the writes between two measurements of the disk. */
const maxWrittenMb = 400

/** Attacks that exhaust resources. */
export const exhaustion: readonly SandboxCase[] = [
  ...hiding,
  {
    name: "a fork bomb",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os, time
count = 0
while True:
    try:
        if os.fork() == 0: time.sleep(60)
    except OSError: break
    count += 1
print(count)
open("bombed", "w").write("x")
while True:
    try: os.fork()
    except OSError: pass`
      const { stdout, reason } = await run(harness, sandbox, code, { timeoutMs: 3_000 })
      // The code reaches either limit first, because it has many processes.
      assert.ok(reason === "timeout" || reason === "outOfMemory", reason)
      assert.ok(Number(stdout.split("\n")[0]) <= 64, `it had ${stdout} processes`)
      await assertStill(sandbox)
      assert.equal((await run(harness, sandbox, "print('alive')")).stdout, "alive\n")
    },
  },
  {
    name: "a memory bomb of many processes",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(30 * 1024 * 1024)
        for i in range(0, len(x), 4096): x[i] = 1
        import time; time.sleep(1)
for _ in range(8): os.wait()
x = bytearray(200 * 1024 * 1024)`
      const outcome = await run(harness, sandbox, code)
      assert.equal(outcome.reason, "outOfMemory", JSON.stringify(outcome))
    },
  },
  {
    name: "filling /tmp and /dev/shm",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import sys
for folder in ["/tmp", "/dev/shm"]:
    written = 0
    f = open(folder + "/fill", "wb", buffering=0)
    try:
        while written < 1 << 30: written += f.write(b"x" * 65536)
    except OSError as e: print(folder, e.errno, written <= 64 << 20)
    f.truncate(0)
open("/tmp/fill", "wb").write(b"x" * (1 << 30))`
      // The files are in memory, so the code may reach either limit first.
      const outcome = await run(harness, sandbox, code)
      assert.ok(outcome.reason === "diskFull" || outcome.reason === "outOfMemory", JSON.stringify(outcome))
      assert.doesNotMatch(outcome.stdout, /False/)
    },
  },
  {
    name: "filling the working directory with files without content",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = "i = 0\nwhile True:\n    open(f'f{i}', 'w').close()\n    i += 1"
      assert.equal((await run(harness, sandbox, code)).reason, "diskFull")
      assert.equal((await run(harness, sandbox, "print('room')")).stdout, "room\n")
    },
  },
  {
    name: "making more folders than are allowed, which take long to look through",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os
for index in range(100_000):
    os.mkdir(f"d{index}")
    if index % 500 == 0: print(index, flush=True)`
      const { reason, stdout } = await run(harness, sandbox, code)
      assert.equal(reason, "diskFull")
      assert.ok(Number(stdout.trim().split("\n").at(-1)) < 30_000, stdout)
      const next = await run(harness, sandbox, "import os; print(len(os.listdir('.')) <= 1500)")
      assert.deepEqual([next.stdout, next.reason], ["True\n", "exited"])
    },
  },
  {
    name: "writing while many folders make it slow to measure",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os, time
for index in range(1200): os.mkdir(f"d{index}")
time.sleep(2)
for index in range(1000):
    with open(f"fill-{index}", "wb") as f:
        for _ in range(8): f.write(b"x" * 1_000_000)
    print(8 * (index + 1), flush=True)
    # The pause keeps this slower than a disk. Otherwise the test would depend on the speed of the machine's memory.
    time.sleep(0.02)`
      const { reason, stdout } = await run(harness, sandbox, code)
      assert.equal(reason, "diskFull")
      const megabytes = Number(stdout.trim().split("\n").at(-1))
      assert.ok(megabytes < maxWrittenMb, `it wrote ${megabytes} MB`)
      assert.equal((await run(harness, sandbox, "print('room')")).stdout, "room\n")
    },
  },
  {
    name: "reserving disk without writing, and hiding files where nobody can look",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os
fd = os.open("reserved", os.O_CREAT | os.O_RDWR)
try: os.posix_fallocate(fd, 0, 20 << 20)
except OSError as e: print(e.errno)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
print(libc.fallocate(fd, 1, 0, 20 << 20), ctypes.get_errno())
import fcntl, struct
# FS_IOC_RESVSP, FS_IOC_RESVSP64 and FS_IOC_ZERO_RANGE, past any limit of a file's size.
os.ftruncate(fd, 0)
for request in [0x40305828, 0x4030582A, 0x40305839]:
    try: fcntl.ioctl(fd, request, struct.pack("hhqqiI16x", 0, 0, 0, 1 << 30, 0, 0))
    except OSError: print("refused")
print("reserved", os.fstat(fd).st_blocks, flush=True)
os.unlink("reserved")
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
open("hidden", "wb").write(b"x" * 1000)
while True: pass`
      const outcome = await run(harness, sandbox, code)
      assert.equal(outcome.reason, "diskFull", JSON.stringify(outcome))
      assert.match(outcome.stdout, /-1 95\n(refused\n){3}reserved 0\n/)
      const next = await run(harness, sandbox, "import os; print(os.listdir('.'))")
      assert.deepEqual([next.stdout, next.reason], ["[]\n", "exited"])
    },
  },
  {
    name: "hiding files in folders that are closed to everyone",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os, time
os.mkdir("mine")
for index in range(8):
    os.mkdir(f"mine/{index}")
    f = open(f"mine/{index}/fill", "wb")
    os.chmod(f"mine/{index}", [0, 0o444][index % 2])
    for _ in range(8): f.write(b"x" * 1_000_000)
    f.close()
os.chmod("mine", 0o111)
os.chmod(".", 0)
while True: time.sleep(1)`
      const outcome = await run(harness, sandbox, code)
      assert.equal(outcome.reason, "diskFull", JSON.stringify(outcome))
      const next = await run(harness, sandbox, "import time; time.sleep(0.5); print('room')")
      assert.deepEqual([next.stdout, next.reason], ["room\n", "exited"])
    },
  },
  {
    name: "an infinite loop on every processor",
    async run(harness) {
      const code = `
import os, time
for _ in range(4):
    if os.fork() == 0:
        while True: pass
time.sleep(1.5)
print(sum(os.times()[:2]))
while True: pass`
      const outcome = await run(harness, await openNewSandbox(harness), code, { timeoutMs: 2_500 })
      assert.equal(outcome.reason, "timeout")
    },
  },
  {
    name: "an output flood of one gigabyte",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const before = process.memoryUsage().rss
      let bytes = 0
      let highest = 0
      for await (const event of exec(harness, sandbox, `head -c ${gigabyte} /dev/zero`, {
        language: "shell",
      })) {
        if (event.type === "exit") assert.deepEqual([event.reason, event.exitCode], ["exited", 0])
        else bytes += event.bytes.length
        highest = Math.max(highest, process.memoryUsage.rss())
      }
      assert.equal(bytes, gigabyte)
      assert.ok(highest - before < allowedGrowth, `the gateway grew by ${highest - before} bytes`)
    },
  },
  {
    name: "taking the machine's pseudo-terminals",
    async run(harness) {
      const code = `
import os
count = 0
for path in ["/dev/ptmx", "/dev/pts/ptmx"]:
    for _ in range(50):
        try: os.open(path, os.O_RDWR | os.O_NOCTTY)
        except OSError: break
        count += 1
print(count)`
      assert.equal((await run(harness, await openNewSandbox(harness), code)).stdout, "0\n")
    },
  },
  {
    name: "keeping data in the buffers of connections, outside of any process",
    async run(harness) {
      const code = `
import os, socket
server = socket.create_server(("127.0.0.1", 0), backlog=1000)
kept, total = [], 0
for _ in range(100):
    client = socket.create_connection(server.getsockname())
    client.setblocking(False)
    kept += [client, server.accept()[0]]
    try:
        while True: total += client.send(b"x" * 65536)
    except BlockingIOError: pass
    print(total // 1_000_000, flush=True)`
      const { stdout } = await run(harness, await openNewSandbox(harness), code)
      const megabytes = Number(stdout.trim().split("\n").at(-1))
      // The limit of memory is 64 MB. The kernel counts some memory late, so twice as much may be used.
      assert.ok(megabytes <= 128, `it kept ${megabytes} MB`)
    },
  },
]
