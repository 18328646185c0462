import { expect, it, vi } from "vitest"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import type { RunnerRuntime } from "../agent/agent-runtime.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  createStartRequest,
  patience,
  prepareTestNodes,
  putAccepted,
  say,
  selectEvents,
  watchRun,
} from "./fixtures/test-gateway.ts"

const start = prepareTestNodes()
const pay = createAnyTool("pay", () => ({ type: "json", value: "paid" }), { needsApproval: true })
const callOfPay = {
  input: { type: "message", content: [] },
  call: { tool: "pay", input: {}, origin: { type: "operator", name: "ann" } },
} as const

it("waits for an approval without a model, and is followed by a message that cannot join it", async () => {
  const provider = scriptedProvider([[say("Hello")]])
  const node = await start(provider, { tools: [pay] })
  const { id } = await node.sessions.create(alice)
  const run = await putAccepted(node, id, "", callOfPay)
  await vi.waitFor(
    async () => expect(await node.sessions.openWaits({ sessionId: id })).toHaveLength(1),
    patience,
  )
  const next = await node.sessions.start(createStartRequest(id, "Hi", { whenBusy: "steer" }))
  if (next.status !== "accepted") throw new Error(`not accepted: ${next.status}`)
  const [wait] = await node.sessions.openWaits({ sessionId: id })
  if (wait === undefined) throw new Error("Nothing waits.")
  const decidedBy = { via: "code", tenant: null, userId: null, address: null } as const
  const { toolCallId, nonce } = wait
  await node.sessions.answer({
    ...{ kind: "approval", sessionId: id, toolCallId, nonce, approved: true },
    decidedBy,
  })
  const events = selectEvents(await watchRun(node.sessions, id, run))
  expect(events[0]).toMatchObject({ type: "runStarted", call: callOfPay.call })
  expect(events.find(({ type }) => type === "toolCallCompleted")).toMatchObject({
    result: { type: "json", value: "paid" },
  })
  expect(events.at(-1)).toMatchObject({ type: "runCompleted", reason: null })
  await watchRun(node.sessions, id, { runId: next.runId, afterSeq: next.cursor })
  expect(provider.requests.map(({ messages }) => messages.map(({ role }) => role))).toEqual([["user"]])
})

it("fails without a call of the agent's own loop", async () => {
  const runner = vi.fn()
  const runtime: RunnerRuntime = {
    ...{ type: "runner", runner, resumes: true, pricing: { cost: () => null } },
    ...{ approvalTimeoutSeconds: 60, approvalsBy: "client", revision: "1", observer: null },
    ...{ listTools: async (own) => own, checkSchema: async (_, input) => ({ valid: true, input }) },
    ...{ isGranted: async () => false, follow: () => {} },
  }
  const node = await start(scriptedProvider([]), { resolveRuntime: async () => runtime })
  const { id } = await node.sessions.create(alice)
  const run = await putAccepted(node, id, "", callOfPay)
  const events = selectEvents(await watchRun(node.sessions, id, run))
  expect(events.at(-1)).toMatchObject({ type: "runFailed", code: "call_not_supported" })
  expect(runner).not.toHaveBeenCalled()
})
