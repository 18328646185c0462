import { setImmediate } from "node:timers/promises"
import { afterEach, describe, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { Lease } from "../../core/ports/store/session-log.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { ToolOutcome } from "../../core/ports/tools/tool.ts"
import { noTraces } from "../../core/ports/traces.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  patience,
  putAccepted,
  readWholeHistory,
  silentLogger,
  startTestNode,
} from "./fixtures/test-gateway.ts"
import { Dispatcher } from "./outbox/dispatcher.ts"

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Opens a store whose clock is ahead of the machine's clock. */
async function storeAhead(aheadMs: number): Promise<Store> {
  const clock = { now: () => systemClock.now() + aheadMs }
  const store = await openMemoryStore({ clock, logger: silentLogger })
  ends.push(() => store.close())
  return store
}

/** Starts a run that sleeps once, and records the sessions that its node claims. */
async function sleeping(store: Store, ms: number) {
  const claims: Lease[] = []
  const log = {
    ...store.log,
    async claimRunnable(...args: Parameters<Store["log"]["claimRunnable"]>) {
      const leases = await store.log.claimRunnable(...args)
      claims.push(...leases)
      return leases
    },
  }
  const slept: number[] = []
  const nap = createAnyTool("nap", (_, { answered }): ToolOutcome => {
    slept.push(Date.now())
    if (answered !== null) return { type: "json", value: "awake" }
    return { type: "wait", kind: "timer", until: Date.now() + ms, continuation: {} }
  })
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "nap", input: {} }],
  )
  const node = await startTestNode(provider, { store: { ...store, log }, tools: [nap] })
  ends.push(() => node.stop())
  const { id } = await node.sessions.create(alice)
  const { runId } = await putAccepted(node, id, "Sleep.")
  await vi.waitFor(
    async () => expect(await node.sessions.openWaits({ sessionId: id })).toHaveLength(1),
    patience,
  )
  return { node, id, runId, claims, slept }
}

describe("a run that sleeps", () => {
  it.each([
    ["is that of the store", 0],
    ["is behind the store's", 3_600_000],
    ["is ahead of the store's", -3_600_000],
  ])("continues at its time, and is claimed once, if the process's clock %s", async (_, aheadMs) => {
    const { node, id, runId, claims, slept } = await sleeping(await storeAhead(aheadMs), 1_500)
    await vi.waitFor(() => expect(node.worker.activeRuns).toBe(0), patience)
    const { outcome } = await node.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ type: "runCompleted", disposition: "completed" })
    const [first = 0, second = 0] = slept
    expect(second - first).toBeGreaterThanOrEqual(1_500)
    expect(slept).toHaveLength(2)
    expect(claims).toHaveLength(1)
  })

  it("ends with a cancel, and accepts no answer", async () => {
    const { node, id, runId, slept } = await sleeping(await storeAhead(0), 3_600_000)
    const [wait] = await node.sessions.openWaits({ sessionId: id })
    expect(wait).toMatchObject({ kind: "timer", state: "open" })
    const { toolCallId = "", nonce = "" } = wait ?? {}
    const decidedBy = { via: "http", tenant: "tenant", userId: "alice", address: null } as const
    const target = { sessionId: id, toolCallId, nonce, decidedBy }
    expect(await node.sessions.answer({ kind: "approval", ...target, approved: true })).toEqual({
      status: "unknown",
    })
    const result = { type: "json", value: 1 } as const
    expect(await node.sessions.answer({ kind: "clientTool", ...target, result })).toEqual({
      status: "unknown",
    })
    expect(await node.sessions.answer({ kind: "elicitation", ...target, action: "accept" })).toEqual({
      status: "unknown",
    })
    expect(await node.sessions.cancel(id, runId)).toMatchObject({ status: "accepted" })
    const { outcome } = await node.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ type: "runCompleted", reason: "cancelled" })
    expect((await readWholeHistory(node.sessions, id)).openWaits).toEqual([])
    expect(await node.sessions.audit({ sessionId: id })).toEqual([])
    expect(slept).toHaveLength(1)
  })
})

describe("a run that waits for a background task", () => {
  it("continues if the task ends while the wait is being stored", async () => {
    const [endIsRead, waitIsStored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const store = await storeAhead(0)
    const log: Store["log"] = {
      ...store.log,
      async pending(...args) {
        const commands = await store.log.pending(...args)
        if (!commands.some(({ type }) => type === "taskEnd")) return commands
        endIsRead.resolve()
        await waitIsStored.promise
        return commands
      },
      async commit(batches) {
        const outcomes = await store.log.commit(batches)
        if (!JSON.stringify(batches).includes('"waitOpened"')) return outcomes
        waitIsStored.resolve()
        // The end of the task is now submitted, but not committed yet.
        await setImmediate()
        return outcomes
      },
    }
    const work = Promise.withResolvers<void>()
    const begin = createAnyTool("begin", (): ToolOutcome => {
      const content = [{ type: "text", text: "Work." }] as const
      return { type: "task", task: { content }, name: "worker", announce: false }
    })
    const collect = createAnyTool("collect", async (_, { answered, tasks }): Promise<ToolOutcome> => {
      if (answered !== null) return { type: "json", value: tasks.list().map(({ state }) => state) }
      const ids = tasks.list().map(({ taskId }) => taskId)
      work.resolve()
      await endIsRead.promise
      return { type: "wait", kind: "timer", until: Date.now() + 3_600_000, tasks: ids, continuation: {} }
    })
    const provider = scriptedProvider(({ messages }) => {
      if (JSON.stringify(messages[0]).includes("Work.")) {
        return [
          { type: "wait", until: work.promise },
          { type: "text", text: "Worked." },
        ]
      }
      const next = ["begin", "collect"][messages.filter(({ role }) => role === "tool").length]
      return next === undefined
        ? [{ type: "text", text: "Done." }]
        : [{ type: "toolCall", name: next, input: {} }]
    })
    const node = await startTestNode(provider, { store: { ...store, log }, tools: [begin, collect] })
    const onCommand = (sessionId: string) => void node.worker.take(sessionId)
    const dispatching = {
      outbox: store.outbox,
      handlers: new Map(),
      onCommand,
      observers: {},
      traces: noTraces,
      logger: silentLogger,
    }
    const dispatcher = new Dispatcher(dispatching)
    dispatcher.start()
    ends.push(
      () => node.stop(),
      () => dispatcher.stop(AbortSignal.timeout(0)),
    )
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Go.")
    await vi.waitFor(
      async () => expect(await node.log.run(id, runId)).toMatchObject({ state: "completed" }),
      patience,
    )
    expect(JSON.stringify(provider.requests.at(-1)?.messages)).toContain('["ended"]')
  })
})
