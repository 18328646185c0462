import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import type { Sandbox } from "../../core/ports/tools/sandbox.ts"

/**
 * Code that writes heartbeats into the working directory until it is killed. A child that left its group does the
 * same.
 */
export const heartbeat = `
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    name = "beat-of-child"
else:
    name = "beat"
    while not os.path.exists("beat-of-child"): time.sleep(0.01)
    print("running")
while True:
    open(name, "w").write(str(time.time()))
    time.sleep(0.02)`

/** Asserts that no process of the session writes any more. */
export async function assertStill(sandbox: Sandbox): Promise<void> {
  const versions = async () => (await sandbox.files()).map(({ path, version }) => `${path} ${version}`).sort()
  for (let attempt = 0; ; attempt += 1) {
    const before = await versions()
    await delay(300)
    const after = await versions()
    if (before.join() === after.join()) return
    assert.ok(attempt < 20, `something still writes: ${after.join()}`)
  }
}
