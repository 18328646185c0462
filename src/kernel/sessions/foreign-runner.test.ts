import { describe, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { Runner } from "../../core/runs/runner.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import type { RunnerRuntime } from "../agent/agent-runtime.ts"
import {
  alice,
  joinDeltas,
  patience,
  prepareTestNodes,
  putAccepted,
  readWholeHistory,
  selectEvents,
  silentLogger,
  startTestNode,
  type TestNode,
} from "./fixtures/test-gateway.ts"

const start = prepareTestNodes()

describe("a foreign runner", () => {
  const runtime = (runner: Runner, resumes = false) => ({
    resolveRuntime: async (): Promise<RunnerRuntime> => ({
      type: "runner",
      listTools: async (own) => own,
      runner,
      resumes,
      pricing: { cost: () => null },
      approvalTimeoutSeconds: 60,
      approvalsBy: "client",
      checkSchema: async (_schema, input) => ({ valid: true, input }),
      isGranted: async () => false,
      revision: "1",
      observer: null,
      follow: () => {},
    }),
  })

  it("receives no request for structured output, which it does not support", async () => {
    const runner = vi.fn(async function* () {})
    const node = await start(scriptedProvider([]), runtime(runner))
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi", { outputSchema: { type: "object" } })
    const { outcome } = await node.sessions.result(id, run.runId, {})
    expect(outcome).toMatchObject({ type: "runFailed", code: "output_not_supported" })
    expect(runner).not.toHaveBeenCalled()
  })

  it("has its texts, calls and usage in the same log", async () => {
    const usage = { inputTokens: 5, outputTokens: 7, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
    const node = await start(
      scriptedProvider([]),
      runtime(async function* ({ messages }) {
        yield { type: "thinking", text: "Hm" }
        yield { type: "toolCall", id: "x", name: "search", input: { q: "a" } }
        yield { type: "toolCall", id: "y", name: "search", input: { q: "b" } }
        yield { type: "toolResult", id: "y", result: { type: "json", value: 2 } }
        yield { type: "toolResult", id: "x", result: { type: "json", value: 1 } }
        yield { type: "text", text: `Heard ${messages.length}.` }
        yield { type: "usage", usage }
      }),
    )
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi")
    const result = await node.sessions.result(id, run.runId, {})
    expect(result).toMatchObject({ response: "Heard 1.", toolsUsed: ["search"], outcome: { usage } })
    const { messages } = await readWholeHistory(node.sessions, id)
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"])
    expect(messages[2]).toMatchObject({ results: [{ result: { value: 1 } }, { result: { value: 2 } }] })
  })

  it("ends the run in error when it throws, without details", async () => {
    const node = await start(
      scriptedProvider([]),
      runtime(async function* () {
        yield { type: "text", text: "Half" }
        throw new Error("secret detail")
      }),
    )
    const { id } = await node.sessions.create(alice)
    const { outcome } = await node.sessions.result(id, (await putAccepted(node, id, "Hi")).runId, {})
    expect(outcome).toMatchObject({ type: "runFailed", message: "The run failed on the server." })
  })

  it("is stopped by a cancel, and its text so far is kept", async () => {
    const node = await start(
      scriptedProvider([]),
      runtime(async function* () {
        yield { type: "text", text: "Half" }
        await new Promise(() => {})
      }),
    )
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi")
    await vi.waitFor(
      async () => expect(joinDeltas(await node.log.read(id, { afterSeq: 0, limit: 100 }))).toBe("Half"),
      patience,
    )
    await node.sessions.cancel(id, null)
    const result = await node.sessions.result(id, run.runId, {})
    expect(result).toMatchObject({ response: "Half", outcome: { reason: "cancelled" } })
  })

  it("has a signal of its own, which the cancel of a later run does not abort", async () => {
    const signals: AbortSignal[] = []
    const isQueued = Promise.withResolvers<void>()
    const node = await start(
      scriptedProvider([]),
      runtime(async function* ({ signal }) {
        signals.push(signal)
        await (signals.length === 1 ? isQueued.promise : new Promise(() => {}))
      }),
    )
    const { id } = await node.sessions.create(alice)
    await putAccepted(node, id, "First")
    await vi.waitFor(() => expect(signals).toHaveLength(1), patience)
    const second = await putAccepted(node, id, "Second", { whenBusy: "queue" })
    isQueued.resolve()
    await vi.waitFor(() => expect(signals).toHaveLength(2), patience)
    await node.sessions.cancel(id, second.runId)
    await node.sessions.result(id, second.runId, {})
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
  })

  it("writes nothing after its cancel, at any point", async () => {
    const logs: (readonly { readonly type: string }[])[] = []
    for (let round = 0; round < 30; round++) {
      const node = await start(
        scriptedProvider([]),
        runtime(async function* () {
          for (let call = 0; ; call++) {
            yield { type: "text", text: "a" }
            yield { type: "toolCall", id: `${call}`, name: "t", input: {} }
            yield { type: "toolResult", id: `${call}`, result: { type: "json", value: call } }
          }
        }),
      )
      const { id } = await node.sessions.create(alice)
      const run = await putAccepted(node, id, "Hi")
      await vi.waitFor(async () => expect((await node.log.session(id))?.lastSeq).toBeGreaterThan(0), patience)
      for (let turn = 0; turn < round % 7; turn++) await new Promise((resolve) => setImmediate(resolve))
      await node.sessions.cancel(id, run.runId)
      await node.sessions.result(id, run.runId, {})
      logs.push(selectEvents(await node.log.read(id, { afterSeq: 0, limit: 10_000, deltas: false })))
    }
    for (const log of logs) {
      const types = log.map(({ type }) => type)
      expect(types.indexOf("runCompleted")).toBe(types.length - 1)
      expect(
        types.filter((type, index) => type === "stepCompleted" && types[index + 1] === "stepCompleted"),
      ).toEqual([])
    }
  })

  it("ends the run in error for a result that is not JSON", async () => {
    const node = await start(
      scriptedProvider([]),
      runtime(async function* () {
        yield { type: "toolCall", id: "x", name: "t", input: {} }
        yield { type: "toolResult", id: "x", result: { type: "json", value: 1n as never } }
      }),
    )
    const { id } = await node.sessions.create(alice)
    const { outcome } = await node.sessions.result(id, (await putAccepted(node, id, "Hi")).runId, {})
    expect(outcome).toMatchObject({ type: "runFailed", code: "internal_error" })
  })

  it.each([
    [false, { type: "runFailed", code: "runner_not_resumable" }],
    [true, { type: "runCompleted", disposition: "completed" }],
  ])("after a restart, able to resume: %s", async (resumes, outcome) => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const reasons: string[] = []
    const options = runtime(async function* ({ reason }) {
      reasons.push(reason)
      yield { type: "text", text: "Half" }
      if (reason === "new") await new Promise(() => {})
    }, resumes)
    const first = await startTestNode(scriptedProvider([]), { ...options, store: shared })
    const { id } = await first.sessions.create(alice)
    const run = await putAccepted(first, id, "Hi")
    await vi.waitFor(
      async () => expect(joinDeltas(await shared.log.read(id, { afterSeq: 0, limit: 100 }))).toBe("Half"),
      patience,
    )
    await first.stop()
    const second = await startTestNode(scriptedProvider([]), { ...options, store: shared })
    expect((await second.sessions.result(id, run.runId, {})).outcome).toMatchObject(outcome)
    expect(reasons).toEqual(resumes ? ["new", "resume"] : ["new"])
    await second.stop()
    await shared.close()
  })

  it("has its text from before a crash discarded, even if a cancel comes before it is called again", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const options = runtime(async function* () {
      yield { type: "text", text: "Half" }
      await new Promise(() => {})
    }, true)
    const first = await startTestNode(scriptedProvider([]), { ...options, store: shared })
    const { id } = await first.sessions.create(alice)
    const run = await putAccepted(first, id, "Hi")
    await vi.waitFor(
      async () => expect(joinDeltas(await shared.log.read(id, { afterSeq: 0, limit: 100 }))).toBe("Half"),
      patience,
    )
    await first.stop()
    await shared.log.put({ type: "cancel", sessionId: id, runId: run.runId, at: Date.now() })
    const second = await startTestNode(scriptedProvider([]), { ...options, store: shared })
    expect((await second.sessions.result(id, run.runId, {})).outcome).toMatchObject({ reason: "cancelled" })
    const events = selectEvents(await shared.log.read(id, { afterSeq: 0, limit: 100 }))
    expect(events.map(({ type }) => type)).toEqual([
      "runStarted",
      "stepStarted",
      "stepRetried",
      "runCompleted",
    ])
    expect(events[2]).toMatchObject({ opened: [{ type: "text", part: 0 }] })
    await second.stop()
    await shared.close()
  })

  it("is called again once all its calls are decided, in any order and by any process, and may ask again", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const decided: (readonly string[])[] = []
    const ask = (id: string) => ({ type: "toolCall", id, name: "pay", input: {}, approval: {} }) as const
    const options = {
      store: shared,
      ...runtime(async function* ({ decisions }) {
        decided.push(decisions.map(({ id, approved }) => `${id} ${approved}`))
        if (decisions.length === 0) yield* [ask("x"), ask("y")]
        if (decisions.length === 2) yield ask("x")
        if (decisions.length === 1) yield { type: "toolResult", id: "x", result: { type: "json", value: 1 } }
      }),
    }
    const waits = (node: TestNode, count: number) =>
      vi.waitFor(async () => {
        const open = await node.sessions.openWaits({})
        expect(open).toHaveLength(count)
        return open
      }, patience)
    const answer = (node: TestNode, wait: Wait | undefined, approved: boolean) => {
      const { sessionId, toolCallId, nonce } = wait ?? { sessionId: "", toolCallId: "", nonce: "" }
      const decidedBy = { via: "code", tenant: null, userId: null, address: null } as const
      return node.sessions.answer({ kind: "approval", sessionId, toolCallId, nonce, approved, decidedBy })
    }
    const first = await startTestNode(scriptedProvider([]), options)
    const { id } = await first.sessions.create(alice)
    const run = await putAccepted(first, id, "Hi")
    const [x, y] = await waits(first, 2)
    await answer(first, y, false)
    await waits(first, 1)
    await first.stop()
    const second = await startTestNode(scriptedProvider([]), options)
    await answer(second, x, true)
    const [again] = await waits(second, 1)
    expect(again?.toolCallId).toBe(x?.toolCallId)
    await answer(second, again, true)
    const { outcome } = await second.sessions.result(id, run.runId, {})
    expect(outcome).toMatchObject({ type: "runCompleted", disposition: "completed" })
    expect(decided).toEqual([[], ["x true", "y false"], ["x true"]])
    await second.stop()
    await shared.close()
  })
})
