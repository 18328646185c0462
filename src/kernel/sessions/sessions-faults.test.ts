import { describe, expect, it, vi } from "vitest"
import { patienceMs } from "../../../test/patience.ts"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import { StoreUnavailableError } from "../../core/errors.ts"
import type { LiveEntry } from "../../core/log/entries.ts"
import type { Provider } from "../../core/ports/model/provider.ts"
import type { Lease, SessionLog } from "../../core/ports/store/session-log.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  createStartRequest,
  createStoppedRun,
  forever,
  joinDeltas,
  patience,
  prepareTestNodes,
  putAccepted,
  say,
  selectEvents,
  silentLogger,
  startTestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"
import type { RuntimeRequest } from "./worker/runtime-resolver.ts"

const start = prepareTestNodes()

describe("a process that stops", () => {
  const store = () => openMemoryStore({ clock: systemClock, logger: silentLogger })

  it("lets runs end within the grace time", async () => {
    const gate = Promise.withResolvers<void>()
    const shared = await store()
    const node = await startTestNode(
      scriptedProvider([[say("Hel"), { type: "wait", until: gate.promise }, say("lo")]]),
      { store: shared },
    )
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Hi")
    const stopping = node.stop(10_000)
    gate.resolve()
    await stopping
    await expect(shared.log.run(id, runId)).resolves.toMatchObject({ state: "completed" })
    await shared.close()
  })

  it("parks runs that have not ended, which the next process continues without counting a crash", async () => {
    const shared = await store()
    const { id, run } = await createStoppedRun(shared)
    await expect(shared.log.run(id, run.runId)).resolves.toMatchObject({ state: "open" })
    const second = await startTestNode(scriptedProvider([[say("Hello")]]), { store: shared })
    const entries = await watchRun(second.sessions, id, run)
    expect(selectEvents(entries).map(({ type }) => type)).toEqual([
      "runStarted",
      "stepStarted",
      "modelCallFailed",
      "stepRetried",
      "messageCompleted",
      "stepCompleted",
      "runCompleted",
    ])
    // The text that the first attempt streamed has a cost.
    const failed = selectEvents(entries).find(({ type }) => type === "modelCallFailed")
    expect(failed).toMatchObject({ code: "interrupted", estimated: true, usage: { outputTokens: 1 } })
    await second.stop()
    await shared.close()
  })

  it("is not delayed by a tool or a model that ignores its signal", async () => {
    const deaf = createAnyTool("deaf", () => new Promise(() => {}))
    const node = await startTestNode(scriptedProvider([[call("deaf")]]), { tools: [deaf] })
    const { id } = await node.sessions.create(alice)
    await putAccepted(node, id, "Hi")
    const provider: Provider = {
      name: "deaf",
      defaultModel: "deaf",
      async *stream() {
        await new Promise(() => {})
      },
    }
    const other = await startTestNode(provider)
    const session = await other.sessions.create(alice)
    await putAccepted(other, session.id, "Hi")
    await Promise.all([node.stop(10), other.stop(10)])
  })
})

describe("a process that cannot reach its store", () => {
  it("stops nevertheless", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    let down = false
    const log: SessionLog = {
      ...shared.log,
      commit: (batches) => (down ? Promise.reject(new StoreUnavailableError()) : shared.log.commit(batches)),
      release: (...given) =>
        down ? Promise.reject(new StoreUnavailableError()) : shared.log.release(...given),
    }
    const gate = Promise.withResolvers<void>()
    const provider = scriptedProvider([[say("Half"), { type: "wait", until: gate.promise }, say("done")]])
    const node = await startTestNode(provider, { store: { ...shared, log } })
    const { id } = await node.sessions.create(alice)
    await putAccepted(node, id, "Hi")
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1), patience)
    down = true
    gate.resolve()
    await node.stop(0)
    await expect(shared.log.session(id)).resolves.toMatchObject({ activeRun: { state: "open" } })
    await shared.close()
  })

  it("informs those who view a run that it cannot store, and shows them every entry once", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    let down = false
    const log: SessionLog = {
      ...shared.log,
      commit: (batches) => (down ? Promise.reject(new StoreUnavailableError()) : shared.log.commit(batches)),
    }
    const gate = Promise.withResolvers<void>()
    const provider = scriptedProvider([[say("Half"), { type: "wait", until: gate.promise }, say("done")]])
    const node = await start(provider, { store: { ...shared, log } })
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi")
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1), patience)
    const seen: LiveEntry[][] = [[], []]
    const view = async (entries: LiveEntry[] | undefined, afterSeq: number) => {
      const { signal } = new AbortController()
      for await (const batch of node.sessions.view(id, { runId: run.runId, afterSeq, signal }))
        entries?.push(...batch)
    }
    const views = [view(seen[0], run.afterSeq)]
    await vi.waitFor(() => expect(joinDeltas(seen[0] ?? [])).toBe("Half"), patience)
    down = true
    gate.resolve()
    await vi.waitFor(() => expect(joinDeltas(seen[0] ?? [])).toBe("Halfdone"), patience)
    views.push(view(seen[1], seen[0]?.at(-1)?.seq ?? 0))
    const kinds = (entries: readonly LiveEntry[] = []) => entries.map(({ kind }) => kind)
    await vi.waitFor(
      () => expect(seen.map(kinds)).toEqual([expect.arrayContaining(["status"]), ["status"]]),
      { timeout: patienceMs },
    )
    down = false
    await Promise.all(views)
    for (const entries of seen) {
      const seqs = entries.filter(({ kind }) => kind !== "status").map(({ seq }) => seq)
      expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right))
      expect(selectEvents(entries).at(-1)).toMatchObject({ type: "runCompleted" })
    }
    expect(kinds(seen[1])).toEqual(["status", "event", "event", "event"])
    await node.stop()
    await shared.close()
  })

  it("forgets a run that it could not claim, so its place is free for the next one", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    let down = true
    const log: SessionLog = {
      ...shared.log,
      putAndClaim: (command, agents) => shared.log.putAndClaim(command, down ? [] : agents),
      claim: (...given) => (down ? Promise.reject(new StoreUnavailableError()) : shared.log.claim(...given)),
    }
    const given: RuntimeRequest[] = []
    const resolveRuntime = async (request: RuntimeRequest): Promise<never> => {
      given.push(request)
      throw new Error("not of interest")
    }
    const options = { store: { ...shared, log }, resolveRuntime, maxConcurrentRuns: 1, start: false }
    const node = await startTestNode(scriptedProvider([]), options)
    const request = () => new Request("http://gateway/api/chat")
    const first = await node.sessions.create(alice)
    await putAccepted(node, first.id, "Hi", { request })
    down = false
    const second = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, second.id, "Hi", { request })
    await node.sessions.result(second.id, runId, {})
    expect(given).toMatchObject([{ runId, request }])
    await node.stop()
    await shared.close()
  })

  it("releases what it claims while it stops, and leaves the run to another process", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const stopping = Promise.withResolvers<void>()
    const log: SessionLog = {
      ...shared.log,
      async putAndClaim(command, agents) {
        const result = await shared.log.putAndClaim(command, agents)
        await stopping.promise
        return result
      },
    }
    const provider = scriptedProvider([])
    const node = await startTestNode(provider, { store: { ...shared, log } })
    const { id } = await node.sessions.create(alice)
    const accepting = putAccepted(node, id, "Hi")
    await vi.waitFor(async () => expect((await shared.log.session(id))?.hasDueWork).toBe(true), patience)
    await node.stop()
    stopping.resolve()
    await accepting
    expect((await shared.log.claim(id, ["agent"]))?.sessionId).toBe(id)
    expect(provider.requests).toEqual([])
    await shared.close()
  })

  it("ends a former lease's work before it starts another one on the same session", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const stolen: Lease[] = []
    const log: SessionLog = {
      ...shared.log,
      // Simulates that another process took the session over and released it again.
      claimRunnable: async () => stolen.splice(0),
    }
    const provider = scriptedProvider([[forever], [say("Hello")]])
    const node = await startTestNode(provider, { store: { ...shared, log } })
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Hi")
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1), patience)
    const [held] = node.worker.leases
    if (held === undefined) throw new Error("nothing is held")
    await shared.log.release(held, { force: true })
    const again = await shared.log.claim(id, ["agent"])
    if (again === null) throw new Error("not free")
    stolen.push(again)
    await expect(node.sessions.result(id, runId, {})).resolves.toMatchObject({ response: "Hello" })
    await node.stop()
    await shared.close()
  })
})

describe("a failure on the server", () => {
  it("ends the run in error when the agent cannot be set up", async () => {
    const resolveRuntime = () => Promise.reject(new Error("no such profile"))
    const node = await start(scriptedProvider([]), { resolveRuntime })
    const { id } = await node.sessions.create(alice)
    const { outcome } = await node.sessions.result(id, (await putAccepted(node, id, "Hi")).runId, {})
    expect(outcome).toMatchObject({ type: "runFailed", code: "runtime_failed" })
    expect(JSON.stringify(outcome)).not.toContain("profile")
  })

  it("ends the run in error when the provider breaks its contract", async () => {
    const node = await start(scriptedProvider([[{ type: "throw", error: new Error("secret detail") }]]))
    const { id } = await node.sessions.create(alice)
    const { outcome } = await node.sessions.result(id, (await putAccepted(node, id, "Hi")).runId, {})
    expect(outcome).toMatchObject({ type: "runFailed", code: "internal_error" })
    expect(JSON.stringify(outcome)).not.toContain("secret")
  })

  it("starts no more runs than it has room for, however many arrive at once", async () => {
    const gate = Promise.withResolvers<void>()
    const turn = [{ type: "wait", until: gate.promise }, say("Done")] as const
    const node = await start(
      scriptedProvider(() => turn),
      { maxConcurrentRuns: 2 },
    )
    const sessions = await Promise.all(Array.from({ length: 6 }, () => node.sessions.create(alice)))
    const runs = await Promise.all(sessions.map(({ id }) => putAccepted(node, id, "Hi")))
    expect(node.worker.activeRuns).toBe(2)
    gate.resolve()
    const ends = runs.map(({ runId }, index) => node.sessions.result(sessions[index]?.id ?? "", runId, {}))
    expect((await Promise.all(ends)).map(({ response }) => response)).toEqual(runs.map(() => "Done"))
  })

  it("starts no more runs than it has room for if messages arrive during a sweep", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const [claimed, arrived] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const claimRunnable: SessionLog["claimRunnable"] = async (...given) => {
      const leases = await shared.log.claimRunnable(...given)
      claimed.resolve()
      await arrived.promise
      return leases
    }
    const gate = Promise.withResolvers<void>()
    const turn = [{ type: "wait", until: gate.promise }, say("Done")] as const
    const node = await start(
      scriptedProvider(() => turn),
      { store: { ...shared, log: { ...shared.log, claimRunnable } }, maxConcurrentRuns: 1, start: false },
    )
    const first = await node.sessions.create(alice)
    const left = { type: "message", runId: "run_left", at: Date.now(), outputSchema: null } as const
    await shared.log.put({ ...createStartRequest(first.id, "Hi"), ...left })
    const started = node.worker.start()
    await claimed.promise
    const second = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, second.id, "Hi")
    arrived.resolve()
    await started
    expect(node.worker.activeRuns).toBe(1)
    gate.resolve()
    await expect(node.sessions.result(second.id, runId, {})).resolves.toMatchObject({ response: "Done" })
    const late = await node.sessions.result(first.id, left.runId, {})
    expect(late).toMatchObject({ response: "Done" })
    await node.stop()
    await shared.close()
  })

  it("claims ten sessions at a time, so that others get a share, and as many as it can at its start", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const claims: number[] = []
    const claimRunnable: SessionLog["claimRunnable"] = async (agents, limit) => {
      const leases = await shared.log.claimRunnable(agents, limit)
      claims.push(leases.length)
      return leases
    }
    const store = { ...shared, log: { ...shared.log, claimRunnable } }
    const node = await start(
      scriptedProvider(() => [say("Done")]),
      { store, start: false },
    )
    for (let index = 0; index < 25; index++) {
      const { id } = await node.sessions.create(alice)
      const left = { type: "message", runId: `run_${index}`, at: Date.now(), outputSchema: null } as const
      await shared.log.put({ ...createStartRequest(id, "Hi"), ...left })
    }
    await node.worker.start()
    expect(claims).toEqual([10, 10, 5])
    await node.stop()
    await shared.close()
  })

  it("leaves further work to the next sweep if it has no room", async () => {
    const gate = Promise.withResolvers<void>()
    const provider = scriptedProvider([[{ type: "wait", until: gate.promise }, say("One")], [say("Two")]])
    const node = await start(provider, { maxConcurrentRuns: 1 })
    const first = await node.sessions.create(alice)
    const second = await node.sessions.create(alice)
    const one = await putAccepted(node, first.id, "Hi")
    const two = await putAccepted(node, second.id, "Hi")
    expect(provider.requests.length).toBeLessThanOrEqual(1)
    gate.resolve()
    await expect(node.sessions.result(first.id, one.runId, {})).resolves.toMatchObject({ response: "One" })
    await expect(node.sessions.result(second.id, two.runId, {})).resolves.toMatchObject({ response: "Two" })
  })
})
