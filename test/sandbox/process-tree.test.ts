import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { beforeEach, expect, test } from "vitest"
import { continueProcessTree, stopProcessTree } from "../../src/features/sandbox/processes/process-tree.ts"
import { requires } from "../needs.ts"

beforeEach(() => requires("linux"))

const programs = {
  "a process with several threads": "work()",
  "a process whose first thread has ended": `
threading.Thread(target=work).start()
# Ends only this thread: https://man7.org/linux/man-pages/man2/exit.2.html
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)`,
  "a child of such a process": `
if os.fork() == 0: work()
threading.Thread(target=time.sleep, args=[60]).start()
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)`,
  "an orphan in the group of such a process": `
if os.fork() == 0:
    if os.fork() == 0: work()
    os._exit(0)
time.sleep(60)`,
} as const

test.each(Object.entries(programs))("%s stops until it is continued", async (_, start) => {
  const work = `
import ctypes, os, threading, time
def work():
    while True:
        os.write(1, b"x")
        time.sleep(0.005)
${start}`
  const child = spawn("python3", ["-c", work], { stdio: ["ignore", "pipe", "inherit"], detached: true })
  try {
    let written = 0
    child.stdout.on("data", ({ length }: Buffer) => {
      written += length
    })
    await once(child.stdout, "data")
    const pid = child.pid ?? 0
    await stopProcessTree(pid)
    // Output that was written before may still arrive.
    await delay(50)
    const before = written
    await delay(100)
    expect(written).toBe(before)
    await continueProcessTree(pid)
    await once(child.stdout, "data")
  } finally {
    process.kill(-(child.pid ?? 0), "SIGKILL")
    await once(child, "exit")
  }
})

test("a process that starts one program after the other stops every time", async () => {
  // Python starts programs with vfork(2).
  const code = "import subprocess\nwhile True: subprocess.run(['true'])"
  const child = spawn("python3", ["-c", code], { stdio: "ignore", detached: true })
  try {
    await once(child, "spawn")
    const pid = child.pid ?? 0
    for (let round = 0; round < 100; round++) {
      await stopProcessTree(pid)
      await continueProcessTree(pid)
      await delay(Math.random() * 3)
    }
  } finally {
    process.kill(-(child.pid ?? 0), "SIGKILL")
    await once(child, "exit")
  }
})
