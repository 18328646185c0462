import { describe, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { Event } from "../../core/log/entries.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  createStartRequest,
  forever,
  prepareTestNodes as nodesOfEachTest,
  patience,
  putAccepted,
  readWholeHistory,
  say,
  selectEvents,
  silentLogger,
  startTestNode,
  type TestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"

const start = nodesOfEachTest()
const cancelled = { type: "runCompleted", disposition: "interrupted", reason: "cancelled" }

/** A tool whose calls need an approval, so that its run is parked. */
const pay = createAnyTool("pay", () => ({ type: "json", value: "paid" }), { needsApproval: true })

/** Returns a model that calls `pay` if the message asks for it, and otherwise responds with the message. */
const payer = () =>
  scriptedProvider(({ messages }) => {
    const last = messages.at(-1)
    const text = last?.role === "user" && last.content[0]?.type === "text" ? last.content[0].text : "Done"
    return text === "Pay" ? [call("pay")] : [say(text)]
  })

async function parked(node: TestNode, sessionId: string): Promise<void> {
  await vi.waitFor(async () => {
    expect(await node.sessions.openWaits({ sessionId })).toHaveLength(1)
    expect(node.worker.activeRuns).toBe(0)
  }, patience)
}

async function approve(node: TestNode, sessionId: string): Promise<void> {
  const [wait] = await node.sessions.openWaits({ sessionId })
  if (wait === undefined) throw new Error("Nothing waits.")
  const decidedBy = { via: "code", tenant: null, userId: null, address: null } as const
  const { toolCallId, nonce } = wait
  await node.sessions.answer({ kind: "approval", sessionId, toolCallId, nonce, approved: true, decidedBy })
}

const userTexts = (events: readonly Event[]) =>
  events.flatMap((event) =>
    event.type === "runStarted" || event.type === "userMessageAdded"
      ? event.content.map((part) => (part.type === "text" ? part.text : ""))
      : [],
  )

async function withStore(test: (store: Store) => Promise<void>): Promise<void> {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  try {
    await test(store)
  } finally {
    await store.close()
  }
}

describe("a queued message", () => {
  it("runs after the open one, and its viewer sees only its own run", async () => {
    const gate = Promise.withResolvers<void>()
    let turn = 0
    const node = await start(
      scriptedProvider(() =>
        turn++ === 0 ? [{ type: "wait", until: gate.promise }, say("One")] : [say("Two")],
      ),
    )
    const { id } = await node.sessions.create(alice)
    const first = await putAccepted(node, id, "First")
    await vi.waitFor(() => expect(turn).toBe(1), patience)
    const second = await putAccepted(node, id, "Second", { whenBusy: "queue" })
    const shown = watchRun(node.sessions, id, second)
    const history = await readWholeHistory(node.sessions, id)
    expect(history.queuedRuns).toEqual([{ runId: second.runId, position: 1, notBefore: 0 }])
    gate.resolve()
    const entries = await shown
    expect(new Set(entries.map(({ runId }) => runId))).toEqual(new Set([second.runId]))
    expect(userTexts(selectEvents(entries))).toEqual(["Second"])
    expect(selectEvents(entries).at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
    expect(selectEvents(await watchRun(node.sessions, id, first)).at(-1)).toMatchObject({
      type: "runCompleted",
    })
  })

  it("costs nothing while an approval is open: no claim, no fold, and no read in a minute", async () =>
    withStore(async (store) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] })
      try {
        let [claims, folds] = [0, 0]
        const log = {
          ...store.log,
          async claim(...given: Parameters<Store["log"]["claim"]>) {
            const lease = await store.log.claim(...given)
            if (lease !== null) claims += 1
            return lease
          },
          async claimRunnable(...given: Parameters<Store["log"]["claimRunnable"]>) {
            const leases = await store.log.claimRunnable(...given)
            claims += leases.length
            return leases
          },
          async putAndClaim(...given: Parameters<Store["log"]["putAndClaim"]>) {
            const result = await store.log.putAndClaim(...given)
            if (result.lease !== null) claims += 1
            return result
          },
          read(...given: Parameters<Store["log"]["read"]>) {
            folds += 1
            return store.log.read(...given)
          },
        }
        const node = await startTestNode(payer(), { store: { ...store, log }, tools: [pay] })
        const { id } = await node.sessions.create(alice)
        await putAccepted(node, id, "Pay")
        const settle = async () => {
          for (let turn = 0; turn < 50; turn++) await vi.advanceTimersByTimeAsync(20)
        }
        await settle()
        expect(await node.sessions.openWaits({ sessionId: id })).toHaveLength(1)
        expect(node.worker.activeRuns).toBe(0)
        const before = { claims, folds }
        await putAccepted(node, id, "Next", { whenBusy: "queue" })
        await node.sessions.start(createStartRequest(id, "By the way", { whenBusy: "steer" }))
        await vi.advanceTimersByTimeAsync(60_000)
        expect({ claims, folds }).toEqual(before)
        await approve(node, id)
        await settle()
        const events = selectEvents(await store.log.read(id, { afterSeq: 0, limit: 1_000 }))
        expect(userTexts(events)).toEqual(["Pay", "By the way", "Next"])
        expect(events.filter(({ type }) => type === "runCompleted")).toHaveLength(2)
        await node.stop()
      } finally {
        vi.useRealTimers()
      }
    }))

  it("is taken by another process after the accepting one has ended, and can still be followed", async () =>
    withStore(async (store) => {
      const first = await startTestNode(payer(), { store, tools: [pay] })
      const { id } = await first.sessions.create(alice)
      await putAccepted(first, id, "Pay")
      const next = await putAccepted(first, id, "Next", { whenBusy: "queue" })
      await parked(first, id)
      await first.stop()
      const second = await startTestNode(payer(), { store, tools: [pay] })
      const shown = watchRun(second.sessions, id, next)
      await approve(second, id)
      expect(userTexts(selectEvents(await shown))).toEqual(["Next"])
      await second.stop()
    }))

  it("can be withdrawn: its stream ends as canceled, the open run continues, and the next message moves up", async () => {
    const gate = Promise.withResolvers<void>()
    let turn = 0
    const node = await start(
      scriptedProvider(() =>
        turn++ === 0 ? [{ type: "wait", until: gate.promise }, say("One")] : [say("Two")],
      ),
    )
    const { id } = await node.sessions.create(alice)
    const first = await putAccepted(node, id, "First")
    await vi.waitFor(() => expect(turn).toBe(1), patience)
    const second = await putAccepted(node, id, "Second", { whenBusy: "queue" })
    const third = await putAccepted(node, id, "Third", { whenBusy: "queue" })
    const shown = watchRun(node.sessions, id, second)
    expect((await node.sessions.cancel(id, second.runId)).status).toBe("accepted")
    expect(selectEvents(await shown)).toMatchObject([cancelled])
    expect(selectEvents(await watchRun(node.sessions, id, second))).toMatchObject([cancelled])
    expect(await node.sessions.result(id, second.runId, {})).toMatchObject({ outcome: cancelled })
    gate.resolve()
    await watchRun(node.sessions, id, third)
    const all = selectEvents(await watchRun(node.sessions, id, { afterSeq: first.afterSeq }))
    expect(userTexts(all)).toEqual(["First", "Third"])
    expect(all.filter(({ type }) => type === "runWithdrawn")).toHaveLength(1)
  })

  it("can be withdrawn while its agent is set up, and then does not run", async () => {
    const setUp = Promise.withResolvers<never>()
    const node = await start(scriptedProvider([]), { resolveRuntime: () => setUp.promise })
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi")
    const shown = watchRun(node.sessions, id, run)
    expect(await node.sessions.cancel(id, null)).toMatchObject({ status: "accepted", runId: run.runId })
    expect(selectEvents(await shown)).toMatchObject([cancelled])
    expect((await readWholeHistory(node.sessions, id)).messages).toEqual([])
    setUp.reject(new Error("too late"))
  })

  it("is withdrawn when the session is revoked", async () => {
    const node = await start(scriptedProvider([[forever]]))
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi")
    const queued = await putAccepted(node, id, "Next", { whenBusy: "queue" })
    expect(await node.sessions.revoke(id)).toBe(true)
    for (const each of [run, queued]) {
      expect(selectEvents(await watchRun(node.sessions, id, each)).at(-1)).toMatchObject(cancelled)
    }
  })

  it("leaves its place to a waiting session of another user", async () => {
    const gate = Promise.withResolvers<void>()
    const order: string[] = []
    const provider = scriptedProvider(({ messages }) => {
      const last = messages.at(-1)
      const part = last?.role === "user" ? last.content[0] : undefined
      order.push(part?.type === "text" ? part.text : "")
      return order.length === 1 ? [{ type: "wait", until: gate.promise }, say("One")] : [say("More")]
    })
    const node = await start(provider, { maxConcurrentRuns: 1 })
    const first = await node.sessions.create(alice)
    await putAccepted(node, first.id, "A1")
    await vi.waitFor(() => expect(order).toEqual(["A1"]), patience)
    await putAccepted(node, first.id, "A2", { whenBusy: "queue" })
    const last = await putAccepted(node, first.id, "A3", { whenBusy: "queue" })
    const second = await node.sessions.create({ ...alice, userId: "bob" })
    await putAccepted(node, second.id, "B1")
    gate.resolve()
    await watchRun(node.sessions, first.id, last)
    expect(order).toEqual(["A1", "B1", "A2", "A3"])
  })

  it("delays no other message while it waits for its time", async () => {
    const node = await start(payer())
    const { id } = await node.sessions.create(alice)
    const notBefore = Date.now() + 3_600_000
    const later = await putAccepted(node, id, "Later", { notBefore })
    const now = await putAccepted(node, id, "Now")
    await watchRun(node.sessions, id, now)
    expect((await readWholeHistory(node.sessions, id)).queuedRuns).toMatchObject([
      { runId: later.runId, notBefore },
    ])
  })

  it("starts a run at its time", async () => {
    const node = await start(payer())
    const { id } = await node.sessions.create(alice)
    const notBefore = Date.now() + 300
    await watchRun(node.sessions, id, await putAccepted(node, id, "Later", { notBefore }))
    expect(Date.now()).toBeGreaterThanOrEqual(notBefore)
    const events = selectEvents(await node.log.read(id, { afterSeq: 0, limit: 1_000 }))
    expect(userTexts(events)).toEqual(["Later"])
  })
})

describe("a view of a session", () => {
  it("continues until nothing is open or due", async () => {
    const gate = Promise.withResolvers<void>()
    let turn = 0
    const node = await start(
      scriptedProvider(() =>
        turn++ === 0 ? [{ type: "wait", until: gate.promise }, say("One")] : [say("More")],
      ),
    )
    const { id } = await node.sessions.create(alice)
    const { afterSeq } = await putAccepted(node, id, "First")
    const shown = watchRun(node.sessions, id, { afterSeq })
    await putAccepted(node, id, "Second", { whenBusy: "queue" })
    await putAccepted(node, id, "Third", { whenBusy: "queue" })
    gate.resolve()
    expect(userTexts(selectEvents(await shown))).toEqual(["First", "Second", "Third"])
  })
})

describe("a message that interrupts", () => {
  it("ends the open run as canceled and is answered next, before queued messages", async () => {
    let turn = 0
    const node = await start(scriptedProvider(() => (turn++ === 0 ? [say("Hal"), forever] : [say("Well")])))
    const { id } = await node.sessions.create(alice)
    const first = await putAccepted(node, id, "First")
    await vi.waitFor(() => expect(turn).toBe(1), patience)
    const queued = await putAccepted(node, id, "Second", { whenBusy: "queue" })
    await putAccepted(node, id, "Stop", { whenBusy: "interrupt" })
    expect(selectEvents(await watchRun(node.sessions, id, first)).at(-1)).toMatchObject(cancelled)
    await watchRun(node.sessions, id, queued)
    const events = selectEvents(await node.log.read(id, { afterSeq: 0, limit: 1_000 }))
    expect(userTexts(events)).toEqual(["First", "Stop", "Second"])
  })

  it("ends a parked run", async () => {
    const node = await start(payer(), { tools: [pay] })
    const { id } = await node.sessions.create(alice)
    const first = await putAccepted(node, id, "Pay")
    await parked(node, id)
    const next = await putAccepted(node, id, "Stop", { whenBusy: "interrupt" })
    expect(selectEvents(await watchRun(node.sessions, id, first)).at(-1)).toMatchObject(cancelled)
    expect(selectEvents(await watchRun(node.sessions, id, next)).at(-1)).toMatchObject({
      disposition: "completed",
    })
  })
})

describe("a steering message", () => {
  const steer = (node: TestNode, id: string, text: string) =>
    node.sessions.start(createStartRequest(id, text, { whenBusy: "steer" }))

  it("joins the open run after its step, and is answered in it", async () => {
    const gate = Promise.withResolvers<void>()
    const provider = scriptedProvider([[{ type: "wait", until: gate.promise }, say("One")], [say("Two")]])
    const node = await start(provider)
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "First")
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1), patience)
    expect(await steer(node, id, "Also this")).toEqual({
      status: "steered",
      runId: run.runId,
      cursor: expect.any(Number),
    })
    gate.resolve()
    const events = selectEvents(await watchRun(node.sessions, id, run))
    const types = events.map(({ type }) => type)
    expect(types.slice(types.indexOf("stepCompleted"))).toEqual([
      "stepCompleted",
      "userMessageAdded",
      "stepStarted",
      "messageCompleted",
      "stepCompleted",
      "runCompleted",
    ])
    expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
  })

  it("waits while the run waits for an approval, and follows the call's result", async () => {
    const provider = payer()
    const node = await start(provider, { tools: [pay] })
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Pay")
    await parked(node, id)
    expect((await steer(node, id, "Thanks")).status).toBe("steered")
    expect(await node.sessions.openWaits({ sessionId: id })).toHaveLength(1)
    await approve(node, id)
    await watchRun(node.sessions, id, run)
    expect(provider.requests.at(-1)?.messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "user",
    ])
  })

  it("stays in the conversation if its run is canceled or fails before it could be answered", async () => {
    for (const ending of ["cancel", "fail"] as const) {
      const gate = Promise.withResolvers<void>()
      let calls = 0
      const provider = scriptedProvider(() => {
        calls += 1
        const failure = { type: "failure", code: "bad_request", message: "No.", retryable: false } as const
        return ending === "cancel" ? [forever] : [{ type: "wait", until: gate.promise }, failure]
      })
      const node = await start(provider)
      const { id } = await node.sessions.create(alice)
      const run = await putAccepted(node, id, "First")
      await vi.waitFor(() => expect(calls).toBe(1), patience)
      await steer(node, id, "And this")
      if (ending === "cancel") await node.sessions.cancel(id, null)
      gate.resolve()
      const events = selectEvents(await watchRun(node.sessions, id, run))
      expect(events.slice(-2).map(({ type }) => type)).toEqual([
        "userMessageAdded",
        ending === "cancel" ? "runCompleted" : "runFailed",
      ])
      expect((await readWholeHistory(node.sessions, id)).messages.map(({ role }) => role)).toEqual([
        "user",
        "user",
      ])
    }
  })

  it("starts a run if none is open", async () => {
    const node = await start(payer())
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi", { whenBusy: "steer" })
    expect(userTexts(selectEvents(await watchRun(node.sessions, id, run)))).toEqual(["Hi"])
  })
})
