import { expect, it, vi } from "vitest"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  createStartRequest,
  prepareTestNodes,
  putAccepted,
  say,
  selectEvents,
  watchRun,
} from "./fixtures/test-gateway.ts"
import { createStorage } from "./storage.ts"

const start = prepareTestNodes()
const bob = { ...alice, userId: "bob" }

it("a session over its storage limit accepts no further message", async () => {
  const node = await start(
    scriptedProvider(() => [say("x".repeat(5_000))]),
    {
      bounds: { sessionBytes: 10_000 },
    },
  )
  const { id } = await node.sessions.create(alice)
  const outcomes: string[] = []
  for (const text of ["one", "two", "three"]) {
    const outcome = await node.sessions.start(createStartRequest(id, text))
    outcomes.push(outcome.status)
    if (outcome.status !== "accepted") expect(outcome).toEqual({ status: "full", scope: "session" })
    else await watchRun(node.sessions, id, { runId: outcome.runId, afterSeq: outcome.cursor })
  }
  expect(outcomes).toEqual(["accepted", "accepted", "full"])
})

it("an accepted run may exceed the limit, and ends with an error at twice the limit", async () => {
  const big = createAnyTool("big", () => ({ type: "json", value: "x".repeat(3_000) }))
  const provider = scriptedProvider(() => [call("big")])
  const node = await start(provider, { bounds: { sessionBytes: 10_000 }, tools: [big] })
  const { id } = await node.sessions.create(alice)
  const events = selectEvents(await watchRun(node.sessions, id, await putAccepted(node, id, "Go")))
  expect(events.at(-1)).toMatchObject({ type: "runFailed", code: "session_too_large" })
  const stored = (await node.log.session(id))?.storedBytes ?? 0
  expect(stored).toBeGreaterThan(20_000)
  expect(stored).toBeLessThan(30_000)
})

it("a principal over its storage limit starts no run, and no other principal is affected", async () => {
  const node = await start(
    scriptedProvider(() => [say("x".repeat(5_000))]),
    {
      bounds: { principalBytes: 4_000 },
    },
  )
  const { id } = await node.sessions.create(alice)
  await watchRun(node.sessions, id, await putAccepted(node, id, "Hi"))
  const put = async (principal: typeof alice, sessionId: string) =>
    (await node.sessions.start(createStartRequest(sessionId, "Hi", { principal }))).status
  const another = await node.sessions.create(alice)
  expect(await put(alice, another.id)).toBe("full")
  expect(await put(bob, (await node.sessions.create(bob)).id)).toBe("accepted")
  // Code of the application itself passes no principal, so the limit of the principal does not apply.
  expect((await node.sessions.start(createStartRequest(another.id, "Hi"))).status).toBe("accepted")
})

it("the stored bytes of a principal are read at most every ten seconds, and again after a failure", async () => {
  const clock = { time: 0, now: () => clock.time }
  const storedBytes = vi.fn<SessionLog["storedBytes"]>(async () => 10)
  const storage = createStorage({
    log: { storedBytes } as unknown as SessionLog,
    clock,
    bounds: { sessionBytes: 5, principalBytes: 10 },
  })
  const full = { sessionBytes: 5, principalIsFull: true }
  expect(
    await Promise.all([alice, alice, undefined].map((principal) => storage.limitsFor(principal))),
  ).toEqual([full, full, { ...full, principalIsFull: false }])
  expect(storedBytes).toHaveBeenCalledTimes(1)
  clock.time = 10_000
  storedBytes.mockRejectedValueOnce(new Error("down"))
  await expect(storage.limitsFor(alice)).rejects.toThrow("down")
  storedBytes.mockResolvedValueOnce(9)
  expect(await storage.limitsFor(alice)).toEqual({ ...full, principalIsFull: false })
})
