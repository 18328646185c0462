import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { forgetDeadInstances, joinInstances } from "./instances.ts"

test("a process is live until it ends, however it ends", async () => {
  const directory = await mkdtemp(join(tmpdir(), "agent-gateway-instances-"))
  onTestFinished(() => rm(directory, { recursive: true }))
  const instance = joinInstances(directory)
  const other = fork(fileURLToPath(new URL("fixtures/instance.ts", import.meta.url)), [directory])
  const [joined] = (await once(other, "message")) as [{ readonly id: string; readonly directoryId: string }]
  expect(joined.directoryId).toBe(instance.directoryId)
  forgetDeadInstances(directory, instance)
  expect([instance.isLive(instance.id), instance.isLive(joined.id)]).toEqual([true, true])
  other.kill("SIGKILL")
  await once(other, "exit")
  expect(instance.isLive(joined.id)).toBe(false)
  forgetDeadInstances(directory, instance)
  expect([instance.isLive(instance.id), instance.isLive(joined.id)]).toEqual([true, false])
  instance.end()
})
