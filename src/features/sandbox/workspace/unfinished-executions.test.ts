import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { createUnfinishedExecutions } from "./unfinished-executions.ts"

async function workspaceFolder() {
  const place = await mkdtemp(join(tmpdir(), "agent-gateway-unfinished-"))
  onTestFinished(() => rm(place, { recursive: true }))
  await mkdir(join(place, "files"))
  return { place, workspace: join(place, "files") }
}

test("files of an interrupted execution may still be removed", async () => {
  const { place, workspace } = await workspaceFolder()
  const first = await createUnfinishedExecutions().begin(workspace, 1_000)
  first.release()
  const next = await createUnfinishedExecutions().begin(workspace, 2_000)
  expect(next.startedAt).toBe(1_000)
  await next.finish()
  expect(await readdir(place)).toEqual(["files"])
})

test("an execution may not remove files of another one that is running or has finished", async () => {
  const { workspace } = await workspaceFolder()
  const executions = createUnfinishedExecutions()
  const finished = await executions.begin(workspace, 1_000)
  await finished.finish()
  finished.release()
  const running = await executions.begin(workspace, 2_000)
  const next = await executions.begin(workspace, 3_000)
  expect(next.startedAt).toBe(3_000)
  running.release()
  expect((await executions.begin(workspace, 4_000)).startedAt).toBe(2_000)
})
