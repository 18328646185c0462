import { expect, it, vi } from "vitest"
import type { ModelRequest } from "../../core/ports/model/provider.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { alice, patience, prepareTestNodes, putAccepted, say } from "./fixtures/test-gateway.ts"

const start = prepareTestNodes()
const megabyte = 1024 * 1024

/** Creates a model that holds every run until the test releases it, and counts the started runs. */
function holdingModel() {
  const held: (() => void)[] = []
  const turn = (_: ModelRequest) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    held.push(resolve)
    return [{ type: "wait", until: promise } as const, say("done")]
  }
  return { provider: scriptedProvider(turn), held }
}

it("runs wait for memory that others hold, and small runs do not", async () => {
  const { provider, held } = holdingModel()
  const node = await start(provider, { bounds: { liveBytes: 4 * megabyte } })
  const begin = async (userId: string, text: string) => {
    const principal = { ...alice, userId }
    const { id } = await node.sessions.create(principal)
    await putAccepted(node, id, text, { principal })
    return id
  }
  for (const user of ["a", "b", "c"]) await begin(user, "x".repeat(3 * megabyte))
  await vi.waitFor(() => expect(held).toHaveLength(1), patience)
  await begin("d", "hello")
  await vi.waitFor(() => expect(held).toHaveLength(2), patience)
  // All sessions are claimed, and two of them wait for memory.
  await vi.waitFor(() => expect(node.worker.activeRuns).toBe(4), patience)
  expect(held).toHaveLength(2)
  held[0]?.()
  await vi.waitFor(() => expect(held).toHaveLength(3), patience)
  expect(node.worker.activeRuns).toBe(3)
  held[2]?.()
  await vi.waitFor(() => expect(held).toHaveLength(4), patience)
})

it("a process that stops leaves a run that waits for memory to another one", async () => {
  const { provider, held } = holdingModel()
  const node = await start(provider, { bounds: { liveBytes: 4 * megabyte } })
  for (const userId of ["a", "b"]) {
    const principal = { ...alice, userId }
    const { id } = await node.sessions.create(principal)
    await putAccepted(node, id, "x".repeat(3 * megabyte), { principal })
  }
  await vi.waitFor(() => expect(node.worker.activeRuns).toBe(2), patience)
  await vi.waitFor(() => expect(held).toHaveLength(1), patience)
  await node.stop()
  expect(node.worker.activeRuns).toBe(0)
})
