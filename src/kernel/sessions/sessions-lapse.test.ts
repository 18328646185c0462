import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { openSqliteStore } from "../../adapters/stores/sqlite/open.ts"
import type { Event } from "../../core/log/entries.ts"
import type { Observer } from "../../core/ports/observer.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import { fakeLiveness } from "./fixtures/fake-liveness.ts"
import {
  alice,
  call,
  patience,
  putAccepted,
  say,
  selectEvents,
  silentLogger,
  startTestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"

/** Creates a node whose process lapses when the test says so, and the log of another process on the same store. */
async function lapsingNode(
  turns: Parameters<typeof scriptedProvider>[0],
  tools: readonly Tool[] = [],
  {
    holdReplyTo,
    observers = {},
  }: { readonly holdReplyTo?: Event["type"]; readonly observers?: Partial<Observer> } = {},
) {
  const path = await mkdtemp(join(tmpdir(), "gateway-lapse-"))
  const open = () => openSqliteStore({ path, clock: systemClock, logger: silentLogger })
  const [own, other] = [await open(), await open()]
  const liveness = fakeLiveness()
  const stored = Promise.withResolvers<void>()
  const replied = Promise.withResolvers<void>()
  const log: SessionLog = {
    ...own.log,
    liveness,
    async commit(batches) {
      const outcomes = await own.log.commit(batches)
      if (!batches.some(({ entries }) => selectEvents(entries).some(({ type }) => type === holdReplyTo)))
        return outcomes
      stored.resolve()
      await replied.promise
      return outcomes
    },
  }
  const provider = scriptedProvider(turns)
  const node = await startTestNode(provider, { store: { ...own, log }, tools, observers })
  onTestFinished(async () => {
    await node.stop()
    await Promise.all([own.close(), other.close()])
    await rm(path, { recursive: true })
  })
  const { id } = await node.sessions.create(alice)
  return {
    node,
    provider,
    liveness,
    id,
    other: other.log,
    /** Resolves when the event of `holdReplyTo` is stored. The node receives the reply once `reply` is called. */
    stored: stored.promise,
    reply: replied.resolve,
    events: async () => selectEvents(await other.log.read(id, { afterSeq: 0, limit: 100 })),
    /** Lets another process take the session. */
    async takeOver() {
      const [lease] = node.worker.leases
      if (lease === undefined) throw new Error("Nothing is held.")
      await own.log.release(lease, { force: true })
      expect(await other.log.claim(id, ["agent"])).not.toBeNull()
    },
  }
}

it("starts no tool whose start was stored during a lapse in which another process took the session", async () => {
  const execute = vi.fn(() => "done")
  const { node, liveness, id, stored, reply, takeOver } = await lapsingNode(
    [[call("charge")], [say("Done")]],
    [createAnyTool("charge", () => ({ type: "json", value: execute() }))],
    { holdReplyTo: "toolCallStarted" },
  )
  await putAccepted(node, id, "Hi")
  await stored
  liveness.lapse()
  await takeOver()
  reply()
  // The heartbeat succeeds again before the process notices that it has lost the session.
  liveness.renew()
  await vi.waitFor(() => expect(node.worker.activeRuns).toBe(0), patience)
  expect(execute).not.toHaveBeenCalled()
})

it("reports a lease that another process has taken as lost, and one that a stop leaves as left", async () => {
  const [onLeaseTaken, onLeaseEnded] = [vi.fn(), vi.fn()]
  const observers = { onLeaseTaken, onLeaseEnded }
  const waiting = { type: "wait", until: new Promise(() => {}) } as const
  const { node, liveness, id, takeOver } = await lapsingNode([[say("Hal"), waiting], [waiting]], [], {
    observers,
  })
  await putAccepted(node, id, "Hi")
  await vi.waitFor(() => expect(onLeaseTaken).toHaveBeenCalledOnce(), patience)
  const facts = { ...alice, agent: "agent", sessionId: id, epoch: expect.any(Number), takeovers: 0 }
  expect(onLeaseTaken).toHaveBeenCalledWith(facts)
  liveness.lapse()
  await takeOver()
  liveness.renew()
  await vi.waitFor(() => expect(onLeaseEnded).toHaveBeenCalledOnce(), patience)
  expect(onLeaseEnded).toHaveBeenCalledWith({ ...facts, outcome: "lost", durationMs: expect.any(Number) })
  const other = await node.sessions.create(alice)
  await putAccepted(node, other.id, "Hi")
  await vi.waitFor(() => expect(onLeaseTaken).toHaveBeenCalledTimes(2), patience)
  await node.worker.stop({ graceMs: 0 })
  expect(onLeaseEnded.mock.lastCall).toMatchObject([{ sessionId: other.id, outcome: "left" }])
})

it("starts a tool after a lapse in which no process took the session", async () => {
  const execute = vi.fn(() => "done")
  const asked = Promise.withResolvers<void>()
  const { node, liveness, id } = await lapsingNode(
    [[{ type: "wait", until: asked.promise }, call("charge")], [say("Done")]],
    [createAnyTool("charge", () => ({ type: "json", value: execute() }))],
  )
  const { runId } = await putAccepted(node, id, "Hi")
  liveness.lapse()
  asked.resolve()
  await vi.waitFor(async () => expect(node.worker.activeRuns).toBe(1), patience)
  expect(execute).not.toHaveBeenCalled()
  liveness.renew()
  await expect(node.sessions.result(id, runId, {})).resolves.toMatchObject({ response: "Done" })
  expect(execute).toHaveBeenCalledOnce()
})

it("starts no model call during a lapse", async () => {
  const failing = Promise.withResolvers<void>()
  const overloaded = { type: "failure", code: "overloaded", retryable: true, retryAfterMs: 1 } as const
  const { node, provider, liveness, id, events } = await lapsingNode([
    [{ type: "wait", until: failing.promise }, overloaded],
    [say("Done")],
  ])
  const { runId } = await putAccepted(node, id, "Hi")
  await vi.waitFor(() => expect(provider.requests).toHaveLength(1), patience)
  liveness.lapse()
  failing.resolve()
  await vi.waitFor(async () => expect((await events()).at(-1)?.type).toBe("stepRetried"), patience)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(provider.requests).toHaveLength(1)
  liveness.renew()
  await expect(node.sessions.result(id, runId, {})).resolves.toMatchObject({ response: "Done" })
})

it("accepts a message during a lapse and claims it afterwards", async () => {
  const { node, liveness, id } = await lapsingNode([[say("Done")]])
  liveness.lapse()
  const { runId } = await putAccepted(node, id, "Hi")
  expect(node.worker.activeRuns).toBe(0)
  liveness.renew()
  await expect(node.sessions.result(id, runId, {})).resolves.toMatchObject({ response: "Done" })
})

it("stops tools that must not run twice when it lapses, and lets the others and the model continue", async () => {
  const begun: string[] = []
  const stopped: string[] = []
  const ending = Promise.withResolvers<void>()
  const tool = (name: string, options: Partial<Tool> = {}) =>
    createAnyTool(
      name,
      async (_input, { signal }) => {
        begun.push(name)
        signal.addEventListener("abort", () => stopped.push(name))
        await ending.promise
        return { type: "json", value: name }
      },
      options,
    )
  const { node, liveness, id, events } = await lapsingNode(
    [[call("charge"), call("reserve"), call("look_up")], [say("Done")]],
    [tool("charge"), tool("reserve", { idempotent: true }), tool("look_up", { readOnly: true })],
  )
  const { runId } = await putAccepted(node, id, "Hi")
  await vi.waitFor(() => expect(begun).toHaveLength(3), patience)
  liveness.lapse()
  expect(stopped).toEqual(["charge"])
  liveness.renew()
  ending.resolve()
  await expect(node.sessions.result(id, runId, {})).resolves.toMatchObject({ response: "Done" })
  const settled = (await events()).filter(
    ({ type }) => type === "toolCallCompleted" || type === "toolCallInterrupted",
  )
  expect(settled).toHaveLength(3)
  expect(settled).toContainEqual(
    expect.objectContaining({
      type: "toolCallInterrupted",
      name: "charge",
      reason: "lost",
      outcome: "unknown",
    }),
  )
})

it("ends the views of its subscribers when it lapses, but not those within the process", async () => {
  const gate = Promise.withResolvers<void>()
  const { node, liveness, id } = await lapsingNode([
    [say("Hal"), { type: "wait", until: gate.promise }, say("lo")],
  ])
  const run = await putAccepted(node, id, "Hi")
  const outside = watchRun(node.sessions, id, run)
  const inside = node.sessions.result(id, run.runId, {})
  const view = node.sessions.view(id, { ...run, throughLapse: true, signal: new AbortController().signal })
  const staying = (async () => {
    const seen: string[] = []
    for await (const batch of view) seen.push(...selectEvents(batch).map(({ type }) => type))
    return seen
  })()
  await vi.waitFor(() => expect(node.worker.activeRuns).toBe(1), patience)
  liveness.lapse()
  const types = selectEvents(await outside).map(({ type }) => type)
  expect(types).not.toContain("runCompleted")
  liveness.renew()
  gate.resolve()
  await expect(inside).resolves.toMatchObject({ response: "Hallo" })
  expect((await staying).at(-1)).toBe("runCompleted")
})

it("gives up at once the sessions that another process has taken meanwhile", async () => {
  const { node, liveness, id, takeOver } = await lapsingNode([
    [say("Hal"), { type: "wait", until: new Promise(() => {}) }],
  ])
  await putAccepted(node, id, "Hi")
  await vi.waitFor(() => expect(node.worker.leases).toHaveLength(1), patience)
  liveness.lapse()
  await takeOver()
  liveness.renew()
  await vi.waitFor(() => expect(node.worker.leases).toEqual([]), patience)
})
