import { spawn } from "node:child_process"
import { once } from "node:events"
import { appendFile, mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import { readHeldFiles } from "./read-held-files.ts"

test.runIf(process.platform === "linux")("a process may end while its files are read", async () => {
  for (let round = 0; round < 100; round += 1) {
    const child = spawn("sleep", ["60"], { stdio: "ignore" })
    const exited = once(child, "exit")
    await once(child, "spawn")
    const killed = delay(Math.random() * 4).then(() => child.kill("SIGKILL"))
    const pids = [String(child.pid)]
    for (let look = 0; look < 12; look += 1) {
      const held = await readHeldFiles({ pids, device: 1 }, new AbortController().signal)
      expect(held).toMatchObject({ usage: { bytes: 0, entries: 0 }, hidesFiles: false })
    }
    await killed
    await exited
  }
})

test.runIf(process.platform === "linux")("the creation times of files stay known", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-held-"))
  onTestFinished(() => rm(folder, { recursive: true }))
  const code = `
import ctypes, os, sys
fd = os.open("mapped", os.O_CREAT | os.O_RDWR)
os.write(fd, b"x" * 8192)
ctypes.CDLL(None).mmap(None, ctypes.c_size_t(8192), 1, 1, fd, ctypes.c_long(0))
os.unlink("mapped")
os.close(fd)
print("on", flush=True)
sys.stdin.read()`
  const child = spawn("python3", ["-c", code], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] })
  const exited = once(child, "exit")
  await once(child.stdout, "data")
  const { dev } = await stat(folder)
  const held = await readHeldFiles({ pids: [String(child.pid)], device: dev }, new AbortController().signal)
  // Only root may see more of the mapped file than its size.
  expect(held).toMatchObject({ usage: { bytes: 8192, entries: 1 }, hidesFiles: process.getuid?.() !== 0 })
  child.stdin.end()
  await exited
  await writeFile(join(folder, "changed"), "")
  await delay(20)
  await appendFile(join(folder, "changed"), "x")
  const { birthtimeMs, ctimeMs } = await stat(join(folder, "changed"))
  expect(birthtimeMs).toBeLessThan(ctimeMs)
})

// While it gives back its memory, it still has open files, and an ordinary user may not inspect them.
test.runIf(process.platform === "linux")("a process that takes long to end is awaited", async () => {
  const code = "x = b'x' * (200 << 20); print('on', flush=True); import time; time.sleep(60)"
  for (let round = 0; round < 5; round += 1) {
    const child = spawn("python3", ["-c", code], { stdio: ["ignore", "pipe", "ignore"] })
    let hasExited = false
    const exited = once(child, "exit").then(() => {
      hasExited = true
    })
    await once(child.stdout, "data")
    child.kill("SIGKILL")
    const pids = [String(child.pid)]
    while (!hasExited) {
      const held = await readHeldFiles({ pids, device: 1 }, new AbortController().signal)
      expect(held).toMatchObject({ usage: { bytes: 0, entries: 0 }, hidesFiles: false })
    }
    await exited
  }
})
