import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { expect, test } from "vitest"
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
