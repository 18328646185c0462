import { afterEach, describe, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  patience,
  putAccepted,
  readWholeHistory,
  selectEvents,
  silentLogger,
  startTestNode,
  type TestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"
import type { Decision } from "./sessions.ts"

const call = (name: string, input = {}) => ({ type: "toolCall", name, input }) as const
const decidedBy = { via: "http", tenant: "tenant", userId: "alice", address: "127.0.0.1" } as const

const opened: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.stop()
})

async function openStore(): Promise<Store> {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  opened.push({ stop: () => store.close() })
  return store
}

/** Starts a node whose model makes these calls and then responds. The tool records its inputs. */
async function start(
  calls: readonly ReturnType<typeof call>[],
  options: { store?: Store; paid?: unknown[]; approvalTimeoutSeconds?: number } = {},
) {
  const { store = await openStore(), paid = [], ...runtime } = options
  const pay = createAnyTool("pay", (input) => ({ type: "json", value: paid.push(input) }), {
    needsApproval: true,
    inputSchema: { type: "object", properties: { amount: { type: "number" } } },
    qualifier: ({ to }) => String(to ?? "anyone"),
  })
  const where = createAnyTool("where", () => Promise.reject(new Error("executed here")), {
    executionLocation: "client",
  })
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool" ? [{ type: "text", text: "Done" }] : calls,
  )
  const node = await startTestNode(provider, { store, tools: [pay, where], ...runtime })
  opened.push(node)
  return { node, store, paid }
}

/** Waits until this many questions are open and no process holds the session. */
async function parked(node: TestNode, sessionId: string, count: number): Promise<readonly Wait[]> {
  await vi.waitFor(async () => {
    expect(await node.sessions.openWaits({ sessionId })).toHaveLength(count)
    expect(node.worker.activeRuns).toBe(0)
  }, patience)
  return node.sessions.openWaits({ sessionId })
}

const target = ({ sessionId, toolCallId, nonce }: Wait) => ({ sessionId, toolCallId, nonce, decidedBy })

describe("a run that waits for a person", () => {
  it("holds no worker, and continues when it is answered", async () => {
    const { node, paid } = await start([call("pay", { amount: 9 })])
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Pay.")
    const [wait] = await parked(node, id, 1)
    if (wait === undefined) throw new Error("nothing was asked")
    const watching = watchRun(node.sessions, id, run)
    expect(await node.sessions.answer({ kind: "approval", ...target(wait), approved: true })).toMatchObject({
      status: "accepted",
    })
    const events = selectEvents(await watching)
    expect(paid).toEqual([{ amount: 9 }])
    expect(events.find(({ type }) => type === "waitResolved")).toMatchObject({
      resolution: { approved: true },
      decidedBy,
    })
    expect(events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  })

  it("is finished by another process, which executes the call once", async () => {
    const first = await start([call("pay", { amount: 9 })])
    const { id } = await first.node.sessions.create(alice)
    const { runId } = await putAccepted(first.node, id, "Pay.")
    const [wait] = await parked(first.node, id, 1)
    if (wait === undefined) throw new Error("nothing was asked")
    await first.node.stop()
    const second = await start([], { store: first.store })
    await second.node.sessions.answer({ kind: "approval", ...target(wait), approved: true })
    await second.node.sessions.result(id, runId, {})
    expect([first.paid, second.paid]).toEqual([[], [{ amount: 9 }]])
  })

  it("is answered once: a second answer, a late answer and an invalid edit are refused", async () => {
    const { node } = await start([call("pay"), call("pay")])
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Pay.")
    const [first, second] = await parked(node, id, 2)
    if (first === undefined || second === undefined) throw new Error("nothing was asked")
    const misfit = await node.sessions.answer({
      kind: "approval",
      ...target(first),
      approved: true,
      editedInput: { amount: "much" },
    })
    expect(misfit).toMatchObject({ status: "invalid", message: expect.stringContaining("amount") })
    expect(
      await node.sessions.answer({ kind: "approval", ...target(first), nonce: "guess", approved: true }),
    ).toEqual({
      status: "wrongNonce",
    })
    const both = await Promise.all(
      [true, false].map((approved) => node.sessions.answer({ kind: "approval", ...target(first), approved })),
    )
    expect(both.map(({ status }) => status)).toEqual(["accepted", "answered"])
    await node.sessions.cancel(id, runId)
    await node.sessions.result(id, runId, {})
    expect(await node.sessions.answer({ kind: "approval", ...target(second), approved: true })).toEqual({
      status: "expired",
    })
    expect(await node.sessions.openWaits({ sessionId: id })).toEqual([])
  })

  it("needs no further approval after a grant for the session, until the grant is revoked", async () => {
    const { node, paid } = await start([call("pay", { to: "bob" })])
    const { id } = await node.sessions.create(alice)
    const first = await putAccepted(node, id, "Pay.")
    const [wait] = await parked(node, id, 1)
    if (wait === undefined) throw new Error("nothing was asked")
    await node.sessions.answer({ kind: "approval", ...target(wait), approved: true, allowToolType: true })
    await node.sessions.result(id, first.runId, {})
    await node.sessions.result(id, (await putAccepted(node, id, "Pay.")).runId, {})
    expect(paid).toHaveLength(2)
    const [grant] = await node.sessions.grants(id)
    expect(grant).toMatchObject({ toolName: "pay", qualifier: "bob", grantedBy: decidedBy })
    await node.sessions.revokeGrant({
      sessionId: id,
      toolName: "pay",
      qualifier: "bob",
      revokedBy: decidedBy,
    })
    await putAccepted(node, id, "Pay.")
    await parked(node, id, 1)
    const trail = await node.sessions.audit({ sessionId: id })
    expect(trail.map(({ action }) => action)).toEqual(["revoked", expect.anything(), expect.anything()])
    expect(
      trail
        .slice(1)
        .map(({ action }) => action)
        .sort(),
    ).toEqual(["approved", "granted"])
  })

  it("continues by itself when its approval expires", async () => {
    const { node, paid } = await start([call("pay")], { approvalTimeoutSeconds: 0.2 })
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Pay.")
    const events = selectEvents(await watchRun(node.sessions, id, run))
    expect(events.map(({ type }) => type)).toContain("waitOpened")
    expect(events.find(({ type }) => type === "waitResolved")).toMatchObject({
      resolution: { approved: false },
      decidedBy: null,
    })
    expect(paid).toEqual([])
  })

  it("can be canceled, and until then its history shows what is open", async () => {
    const { node } = await start([call("pay"), call("where")])
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Pay.")
    await parked(node, id, 2)
    const kinds = (await readWholeHistory(node.sessions, id)).openWaits.map(({ kind }) => kind)
    expect(kinds.sort()).toEqual(["approval", "clientTool"])
    await node.sessions.cancel(id, null)
    const { outcome } = await node.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ reason: "cancelled" })
    expect((await readWholeHistory(node.sessions, id)).openWaits).toEqual([])
  })
})

describe("a client tool", () => {
  it("gets its result from the client, even after a change of process", async () => {
    const first = await start([call("where")])
    const { id } = await first.node.sessions.create(alice)
    const { runId } = await putAccepted(first.node, id, "Pay.")
    const [wait] = await parked(first.node, id, 1)
    if (wait === undefined) throw new Error("nothing was asked")
    await first.node.stop()
    const second = await start([], { store: first.store })
    const result = { type: "json", value: "Paris" } as const
    expect(await second.node.sessions.answer({ kind: "clientTool", ...target(wait), result })).toMatchObject({
      status: "accepted",
    })
    expect(await second.node.sessions.answer({ kind: "clientTool", ...target(wait), result })).toEqual({
      status: "answered",
    })
    await second.node.sessions.result(id, runId, {})
    const { messages } = await readWholeHistory(second.node.sessions, id)
    expect(messages.find(({ role }) => role === "tool")).toMatchObject({ results: [{ result }] })
  })
})

describe("answers that are sent together", () => {
  const segment = { wire: "ag-ui", id: "run_of_the_protocol" }

  it("name their segment in the log, where any process finds it", async () => {
    const { node, store } = await start([call("pay"), call("where")])
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Pay.")
    // Both calls open their waits at the same time, in either order.
    const waits = await parked(node, id, 2)
    const asked = waits.find(({ kind }) => kind === "approval")
    const opened = waits.find(({ kind }) => kind === "clientTool")
    if (asked === undefined || opened === undefined) throw new Error("nothing was asked")
    const accepted = { status: "accepted", runId }
    const outcomes = await node.sessions.answerAll([
      { kind: "approval", ...target(asked), approved: true, segment },
      { kind: "clientTool", ...target(opened), result: { type: "json", value: 1 } },
    ])
    expect(outcomes).toEqual([accepted, accepted])
    await node.sessions.result(id, runId, {})
    const events = selectEvents(await store.log.read(id, { afterSeq: 0, limit: 100 }))
    const resolved = events.filter((event) => event.type === "waitResolved")
    expect(resolved.find(({ waitId }) => waitId === asked.waitId)).toMatchObject({ segment })
    expect(resolved.find(({ waitId }) => waitId === opened.waitId)).not.toHaveProperty("segment")
  })

  it("are all refused if one of them is invalid", async () => {
    const { node } = await start([call("pay"), call("pay")])
    const { id } = await node.sessions.create(alice)
    await putAccepted(node, id, "Pay.")
    const [first, second] = await parked(node, id, 2)
    if (first === undefined || second === undefined) throw new Error("nothing was asked")
    const allowed = { kind: "approval", ...target(first), approved: true } as const
    const other = { kind: "approval", ...target(second), approved: true } as const
    const refuse = async (invalid: Partial<Decision>, message: RegExp) => {
      const outcome = await node.sessions.answerAll([allowed, { ...other, ...invalid }])
      expect(outcome).toEqual({ status: "invalid", message: expect.stringMatching(message) })
      expect(await node.sessions.openWaits({ sessionId: id })).toHaveLength(2)
    }
    await refuse({ editedInput: { amount: "much" } }, /^answers\[1\]: .*amount/)
    await refuse({ segment: { wire: "w".repeat(51), id: "" } }, /segment/)
    await refuse({ segment: { wire: "", id: "i".repeat(201) } }, /segment/)
    const many = await node.sessions.answerAll(Array.from({ length: 101 }, () => allowed))
    expect(many).toEqual({ status: "invalid", message: expect.stringContaining("100") })
    expect(await node.sessions.openWaits({ sessionId: id })).toHaveLength(2)
    expect(await node.sessions.answerAll([])).toEqual([])
  })
})

describe("revoking a session", () => {
  it("cancels its run and marks it", async () => {
    const { node } = await start([call("pay")])
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Pay.")
    await parked(node, id, 1)
    expect(await node.sessions.revoke(id)).toBe(true)
    expect(await node.sessions.revoke("sess_other")).toBe(false)
    expect((await node.sessions.result(id, runId, {})).outcome).toMatchObject({ reason: "cancelled" })
    expect((await node.sessions.session(id))?.revokedAt).toEqual(expect.any(Number))
  })
})
