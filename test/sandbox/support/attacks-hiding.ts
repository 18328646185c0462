import assert from "node:assert/strict"
import { exec, openNewSandbox, run, type SandboxCase } from "../../../src/testing/sandbox/harness.ts"

/** Maximum written megabytes for a quota of 32. It includes the writes between two measurements of the disk. */
const maxWrittenMb = 400

/**
 * Python code that defines `hide(fd)`. After a call of it, only the named place refers to the open file, which has no
 * name. The code may also define another way to start the attack.
 */
const hidingPlaces = {
  "deleted files": `
kept = []
def hide(fd): kept.append(fd)`,
  "one mapped page": `
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def hide(fd):
    libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    os.close(fd)`,
  "a Unix socket": `
sender, receiver = socket.socketpair()
def hide(fd):
    socket.send_fds(sender, [b"x"], [fd])
    os.close(fd)`,
  "a socket in a socket": `
kept = [socket.socketpair() for _ in range(2)]
def hide(fd):
    inner, far = socket.socketpair()
    socket.send_fds(inner, [b"x"], [fd])
    socket.send_fds(kept[0][0], [b"x"], [inner.fileno(), far.fileno()])
    for each in [inner, far]: each.close()
    os.close(fd)`,
  "unaccepted connections": `
server = socket.socket(socket.AF_UNIX)
server.bind("server")
server.listen(100)
def hide(fd):
    client = socket.socket(socket.AF_UNIX)
    client.connect("server")
    socket.send_fds(client, [b"x"], [fd])
    client.close()
    os.close(fd)`,
  // Only a call in progress refers to the outer socket. That call waits for more data than there is.
  "a socket that is closed while a thread receives": `
outer, receiver = socket.socketpair()
SO_PEEK_OFF = 42
receiver.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, 0)
kept = []
for _ in range(40):
    inner, near = socket.socketpair()
    socket.send_fds(outer, [b"x"], [inner.fileno()])
    inner.close()
    kept.append(near)
def look():
    for _ in range(41): receiver.recv(1, socket.MSG_PEEK)
threading.Thread(target=look, daemon=True).start()
time.sleep(0.2)
os.close(receiver.fileno())
def hide(fd):
    socket.send_fds(kept.pop(), [b"x"], [fd])
    os.close(fd)`,
  // The first thread of the process has ended and has no files.
  "the files of a thread": `
kept = []
def hide(fd): kept.append(fd)
def start(attack):
    threading.Thread(target=attack).start()
    # Ends only this thread: https://man7.org/linux/man-pages/man2/exit.2.html
    libc.syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)`,
  "deleted programs": `
import shutil, subprocess
def hide(fd):
    shutil.copy("/bin/sleep", "program")
    content = os.pread(fd, 16 << 20, 0)
    os.close(fd)
    with open("program", "ab") as program: program.write(content)
    subprocess.Popen(["./program", "60"])
    os.unlink("program")`,
} as const

/**
 * Python code that writes and hides 640 MB and prints the amount so far. Pages that the disk does not have yet count as
 * memory, and on version 1 of control groups a slow disk would let the kernel end the code for its memory first.
 */
const writeAndHide = `
def write_and_hide():
    for index in range(40):
        fd = os.open("deleted", os.O_CREAT | os.O_RDWR)
        os.unlink("deleted")
        for _ in range(16): os.write(fd, b"x" * (1 << 20))
        os.fsync(fd)
        hide(fd)
        print(16 * (index + 1), flush=True)
        time.sleep(0.05)
    time.sleep(60)`

function assertBounded(stdout: string): void {
  const megabytes = Number(stdout.trim().split("\n").at(-1))
  assert.ok(megabytes < maxWrittenMb, `it wrote ${megabytes} MB`)
}

const hidingCases: readonly SandboxCase[] = Object.entries(hidingPlaces).map(([place, definition]) => ({
  name: `hiding disk in ${place}`,
  async run(harness) {
    const sandbox = await openNewSandbox(harness)
    const code = `
import ctypes, mmap, os, socket, threading, time
libc = ctypes.CDLL(None)
def start(attack): attack()
${definition}
${writeAndHide}
def attack():
    time.sleep(1)
    write_and_hide()
start(attack)`
    const { reason, stdout, stderr } = await run(harness, sandbox, code)
    assert.equal(reason, "diskFull", `${reason} after ${stdout}${stderr}`)
    assertBounded(stdout)
    assert.equal((await run(harness, sandbox, "print('room')")).stdout, "room\n")
  },
}))

/**
 * Passes open files between two sockets as fast as possible, with at most one of them in transit. One of its
 * processes has ended and was not reaped.
 */
const honest = `
import os, socket, subprocess
ended = subprocess.Popen(["true"])
sender, receiver = socket.socketpair()
open("own", "wb").write(b"x" * 1_000_000)
while not os.path.exists("go"):
    with open("own", "rb") as own: socket.send_fds(sender, [b"x"], [own.fileno()])
    for fd in socket.recv_fds(receiver, 1, 1)[1]: os.close(fd)
print("survived", os.path.getsize("own"))`

/** Creates as many entries as the quota allows, and makes the disk look as if its use had grown. */
const full = `
import os, time
for index in range(1_500 - len(os.listdir(".")) - 1): open(f"file-{index}", "w").close()
for round in range(10):
    with open("file", "wb") as file: file.write(b"x" * 8_000_000)
    time.sleep(0.15)
print("survived", len(os.listdir(".")))`

/** Each of these executions stays within its quota. Together they use more of the disk than one may. */
const neighbor = `
import time
for index in range(28):
    open(f"fill-{index}", "wb").write(b"x" * 1_000_000)
    time.sleep(0.02)
time.sleep(0.5)`

const neighborFiles = 16
const neighborFileBytes = 32 << 20

/**
 * Hides files when another session has just freed more bytes than they have, so that the free space does not shrink.
 */
const whileOthersFree: SandboxCase = {
  name: "hiding disk while others free as much",
  async run(harness) {
    const [sandbox, neighbor] = await Promise.all([openNewSandbox(harness), openNewSandbox(harness)])
    const replaceFiles = async (content: Buffer) => {
      for (let index = 0; index < neighborFiles; index += 1)
        await neighbor.writeFile(`file-${index}`, content)
    }
    await replaceFiles(Buffer.alloc(neighborFileBytes, 1))
    const code = `
import os, socket, time
${hidingPlaces["a Unix socket"]}
${writeAndHide}
# Until it has been measured once.
time.sleep(1)
print(0, flush=True)
while not os.path.exists("go"): time.sleep(0.02)
write_and_hide()`
    let stdout = ""
    for await (const event of exec(harness, sandbox, code)) {
      if (event.type === "exit") assert.equal(event.reason, "diskFull", `${event.reason} after ${stdout}`)
      else stdout += new TextDecoder().decode(event.bytes)
      if (stdout !== "0\n") continue
      await replaceFiles(Buffer.alloc(0))
      await sandbox.writeFile("go", Buffer.from(""))
    }
    assertBounded(stdout)
  },
}

/** Attacks on the disk quota with bytes that no named file contains, and honest code that looks similar. */
export const hiding: readonly SandboxCase[] = [
  ...hidingCases,
  whileOthersFree,
  {
    name: "sockets that had a name in the working directory",
    async run(harness) {
      const code = `
import os, socket, time
for process in range(20):
    if os.fork() == 0:
        kept = []
        for _ in range(200):
            kept.append(socket.socket(socket.AF_UNIX))
            kept[-1].bind(f"socket-{process}")
            os.unlink(f"socket-{process}")
        time.sleep(60)
time.sleep(60)`
      const { reason } = await run(harness, await openNewSandbox(harness), code, { timeoutMs: 30_000 })
      assert.equal(reason, "diskFull")
    },
  },
  {
    name: "disk entries that are all used up, for honest code",
    async run(harness) {
      const { reason, stdout } = await run(harness, await openNewSandbox(harness), full)
      assert.deepEqual([reason, stdout], ["exited", "survived 1500\n"])
    },
  },
  {
    name: "disk that others take, for honest code",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const surviving = run(harness, sandbox, honest)
      for (let round = 0; round < 2; round += 1) {
        const others = await Promise.all([openNewSandbox(harness), openNewSandbox(harness)])
        const ends = await Promise.all(others.map((other) => run(harness, other, neighbor)))
        assert.deepEqual(
          ends.map(({ reason }) => reason),
          ["exited", "exited"],
        )
      }
      await sandbox.writeFile("go", Buffer.from(""))
      const { reason, stdout } = await surviving
      assert.deepEqual([reason, stdout], ["exited", "survived 1000000\n"])
    },
  },
]
