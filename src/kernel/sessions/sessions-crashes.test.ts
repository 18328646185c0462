import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, vi } from "vitest"
import { openMemoryStore, openSqliteStore } from "../../adapters/stores/sqlite/open.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { RunLimits } from "../../core/runs/child.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  createStartRequest,
  createStoppedRun,
  forever,
  patience,
  prepareTestNodes,
  putAccepted,
  say,
  selectEvents,
  silentLogger,
  startTestNode,
  type TestNodeOptions,
  watchRun,
} from "./fixtures/test-gateway.ts"

const start = prepareTestNodes()

describe("a model call that was interrupted by the end of its process", () => {
  async function interrupted() {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const { id, run } = await createStoppedRun(shared)
    const takeUp = async (store: Store, options: TestNodeOptions = {}) => {
      const provider = scriptedProvider([])
      const node = await startTestNode(provider, { store, pricing: { cost: () => 1 }, ...options })
      const entries = await watchRun(node.sessions, id, run)
      await node.stop()
      await shared.close()
      expect(provider.requests).toEqual([])
      return selectEvents(entries)
    }
    return { shared, id, run, takeUp }
  }

  it("is paid for, and its text is discarded, when a cancel comes before its repetition", async () => {
    const { shared, id, run, takeUp } = await interrupted()
    await shared.log.put({ type: "cancel", sessionId: id, runId: run.runId, at: Date.now() })
    expect((await takeUp(shared)).slice(2)).toMatchObject([
      { type: "modelCallFailed", code: "interrupted", cost: 1, usage: { outputTokens: 1 } },
      { type: "stepRetried", opened: [{ type: "text", part: 0 }] },
      { type: "runCompleted", reason: "cancelled", cost: 1 },
    ])
  })

  it("does not delay a cancel if its agent cannot be set up", async () => {
    const { shared, id, run, takeUp } = await interrupted()
    await shared.log.put({ type: "cancel", sessionId: id, runId: run.runId, at: Date.now() })
    const events = await takeUp(shared, { resolveRuntime: () => new Promise(() => {}) })
    expect(events.at(-1)).toMatchObject({ type: "runCompleted", reason: "cancelled" })
  })

  it("is paid for when the run is given up", async () => {
    const { shared, takeUp } = await interrupted()
    expect((await takeUp(withTakeovers(shared, 6))).slice(2)).toMatchObject([
      { type: "modelCallFailed", code: "interrupted", cost: 1 },
      { type: "stepRetried" },
      { type: "runFailed", code: "crashed_repeatedly", cost: 1 },
    ])
  })

  it("is not read any more, nor is the agent set up, if even giving up the run killed a process", async () => {
    const { shared, takeUp } = await interrupted()
    const resolveRuntime = vi.fn(() => Promise.reject(new Error("deadly")))
    const events = await takeUp(withTakeovers(shared, 7), { resolveRuntime })
    expect(events.slice(2)).toMatchObject([{ type: "runFailed", code: "crashed_repeatedly" }])
    expect(resolveRuntime).not.toHaveBeenCalled()
  })
})

describe("a run whose calls are interrupted repeatedly", () => {
  /** Resolves to the outcome of a run that several processes continue in turn, each of which dies during a call. */
  async function interruptedBy(stops: number, during: (store: Store) => Store, limits?: RunLimits) {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    let begun = 0
    const deaf = createAnyTool("deaf", () => {
      begun += 1
      return new Promise(() => {})
    })
    const turn = () => (begun < stops ? [call("deaf")] : [say("Done")])
    const next = () => startTestNode(scriptedProvider(turn), { store: during(shared), tools: [deaf] })
    const first = await next()
    const { id } = await first.sessions.create(alice)
    const { runId } = await putAccepted(first, id, "Hi", limits === undefined ? {} : { runLimits: limits })
    const isOver = async () => (await shared.log.run(id, runId))?.endSeq != null
    let node = first
    for (let round = 1; round <= stops && !(await isOver()); round++) {
      await vi.waitFor(async () => expect(begun >= round || (await isOver())).toBe(true), patience)
      await node.stop(0)
      node = await next()
    }
    const { outcome } = await node.sessions.result(id, runId, {})
    await node.stop(0)
    await shared.close()
    return outcome
  }

  it("survives any number of servers that stop in order", async () => {
    expect(await interruptedBy(25, (store) => store)).toMatchObject({ type: "runCompleted" })
  })

  it("is given up after twenty crashes", async () => {
    const outcome = await interruptedBy(25, (store) => withTakeovers(store, 1))
    expect(outcome).toMatchObject({ type: "runFailed", code: "crashed_repeatedly" })
  })

  it("survives as many crashes as its limits allow", async () => {
    const crashing = (store: Store) => withTakeovers(store, 1)
    expect(await interruptedBy(25, crashing, { maxCrashes: 25 })).toMatchObject({ type: "runCompleted" })
    expect(await interruptedBy(5, crashing, { maxCrashes: 2 })).toMatchObject({
      type: "runFailed",
      code: "crashed_repeatedly",
    })
  })

  it("survives any number of servers that stop in order during the response", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    let calls = 0
    const turn = () => (++calls <= 25 ? [forever] : [say("Done")])
    let node = await startTestNode(scriptedProvider(turn), { store: shared })
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Hi")
    for (let round = 1; round <= 25; round++) {
      await vi.waitFor(() => expect(calls).toBe(round), patience)
      await node.stop(0)
      node = await startTestNode(scriptedProvider(turn), { store: shared })
    }
    const { outcome } = await node.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ type: "runCompleted" })
    await node.stop()
    await shared.close()
  })
})

describe("a run that crashes every process", () => {
  it("is ended after a bounded number of them (rule 10)", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const node = await start(scriptedProvider([]), { store: withTakeovers(shared, 6) })
    const { id } = await node.sessions.create(alice)
    const { outcome } = await node.sessions.result(id, (await putAccepted(node, id, "Hi")).runId, {})
    expect(outcome).toMatchObject({ type: "runFailed", code: "crashed_repeatedly" })
    await node.stop()
    await shared.close()
  })

  it("ends alone: the next message of its session is answered", async () => {
    const path = await mkdtemp(join(tmpdir(), "gateway-"))
    const open = () => openSqliteStore({ path, clock: systemClock, logger: silentLogger })
    const session = { id: "sess_1", ...alice, agent: "agent", createdAt: Date.now() }
    const hello = { type: "message", runId: "run_1", at: Date.now(), outputSchema: null } as const
    for (let deaths = 0; deaths < 6; deaths++) {
      const { log, close } = await open()
      if (deaths === 0) await log.createSession(session)
      if (deaths === 0) await log.put({ ...createStartRequest(session.id, "Hi"), ...hello })
      await log.claim(session.id, ["agent"])
      await close()
    }
    const store = await open()
    const node = await startTestNode(scriptedProvider([[say("Here.")]]), { store })
    const first = await node.sessions.result(session.id, hello.runId, {})
    expect(first.outcome).toMatchObject({ type: "runFailed", code: "crashed_repeatedly" })
    const { runId } = await putAccepted(node, session.id, "Are you there?")
    await expect(node.sessions.result(session.id, runId, {})).resolves.toMatchObject({ response: "Here." })
    await node.stop()
    await store.close()
    await rm(path, { recursive: true })
  })

  it("ends alone, even if the next message arrives before its session is released", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const { log } = withTakeovers(shared, 6)
    const release: SessionLog["release"] = async (lease, options) => {
      const next = { type: "message", runId: "run_2", at: Date.now(), outputSchema: null } as const
      await log.put({ ...createStartRequest(lease.sessionId, "Are you there?"), ...next })
      return shared.log.release(lease, options)
    }
    const node = await start(scriptedProvider([[say("Here.")]]), {
      store: { ...shared, log: { ...log, release } },
    })
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Hi")
    const { outcome } = await node.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ code: "crashed_repeatedly" })
    const next = () => log.run(id, "run_2")
    await vi.waitFor(async () => expect(await next()).toMatchObject({ state: "completed" }), patience)
    await node.stop()
    await shared.close()
  })
})

/** Returns a store that reports this many consecutive deaths of processes for each session. */
function withTakeovers(store: Store, takeovers: number): Store {
  const putAndClaim: SessionLog["putAndClaim"] = async (command, agents) => {
    const { outcome, lease } = await store.log.putAndClaim(command, agents)
    return { outcome, lease: lease && { ...lease, takeovers } }
  }
  const claim: SessionLog["claim"] = async (id, agents) => {
    const lease = await store.log.claim(id, agents)
    return lease && { ...lease, takeovers }
  }
  const claimRunnable: SessionLog["claimRunnable"] = async (agents, limit) => {
    return (await store.log.claimRunnable(agents, limit)).map((lease) => ({ ...lease, takeovers }))
  }
  return { ...store, log: { ...store.log, putAndClaim, claim, claimRunnable } }
}
