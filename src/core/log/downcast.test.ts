import { describe, expect, it, test } from "vitest"
import { type AnyPayload, type AnyResolution, toFormerWaitId } from "../wait.ts"
import { downcast, findVersion, toStoredForms } from "./downcast.ts"
import { type Event, logVersion, type WaitOpened, type WaitResolved } from "./entries.ts"
import { upcast } from "./upcast.ts"

const decidedBy = { via: "http", tenant: "tenant", userId: "ada", address: null } as const
const origin = { server: "hotel", tool: "book", identity: "i", digest: "d" }
const question = { mode: "form", message: "Who?", schema: { type: "object" } } as const
const opened = (asks: AnyPayload, options: Partial<WaitOpened> = {}): WaitOpened => ({
  type: "waitOpened",
  waitId: "wait_1",
  toolCallId: "call_1",
  toolName: "book",
  continuation: null,
  nonce: "nonce_1",
  expiresAt: 9_000,
  ...(options as object),
  ...asks,
})
const resolved = (outcome: AnyResolution): WaitResolved => {
  return { type: "waitResolved", waitId: "wait_1", toolCallId: "call_1", decidedBy, ...outcome }
}

describe("an event with a form of version 2", () => {
  it.each<[string, Event]>([
    [
      "approval",
      opened({ kind: "approval", payload: { input: { a: 1 }, qualifier: "q", reason: null } }, { origin }),
    ],
    ["client tool", opened({ kind: "clientTool", payload: { input: {}, callIndex: 2 } })],
    [
      "question",
      opened(
        { kind: "elicitation", payload: { question, server: "hotel" } },
        { origin, continuation: { step: 1 } },
      ),
    ],
    [
      "approval's end",
      resolved({ kind: "approval", resolution: { approved: true, editedInput: { a: 2 }, reason: "ok" } }),
    ],
    ["question's end", resolved({ kind: "elicitation", resolution: { action: "decline", content: null } })],
    ["step", { type: "stepStarted", stepId: "step_1", messageId: "msg_1", step: 1 }],
  ])("is written in that form and read back unchanged: the %s", (_, event) => {
    const forms = downcast(event, 2)
    expect(forms).toHaveLength(1)
    expect(JSON.stringify(forms)).not.toContain('"waitOpened"')
    expect(forms?.flatMap((form) => upcast(JSON.parse(JSON.stringify(form)), 2))).toEqual([event])
  })
})

test("in version 2, the call's result ends the wait of a client tool", () => {
  expect(downcast(resolved({ kind: "clientTool", resolution: {} }), 2)).toEqual([])
})

test("for readers of version 2, a run that streams tool input is a run that does not", () => {
  const plain: Event = {
    type: "runStarted",
    agent: "agent",
    revision: "1",
    content: [],
    context: {},
    channel: null,
    model: null,
    outputSchema: null,
  }
  const event: Event = { ...plain, toolInputDeltas: true }
  expect([findVersion(plain), findVersion(event)]).toEqual([2, 3])
  expect(downcast(event, 2)).toEqual([plain])
  expect(downcast(event, 3)).toEqual([event])
})

test("a run with client tools has no older form", () => {
  const event: Event = {
    type: "runStarted",
    agent: "agent",
    revision: "1",
    content: [],
    context: {},
    channel: null,
    model: null,
    outputSchema: null,
    clientTools: [{ name: "locate", description: "Locates.", inputSchema: { type: "object" } }],
  }
  expect(findVersion(event)).toBe(3)
  expect(downcast(event, 2)).toBeNull()
  expect(toStoredForms(event, 2)).toEqual([event])
})

test("readers of version 2 receive no application data, which they do not need", () => {
  const event: Event = { type: "dataEmitted", toolCallId: "call_1", name: "progress", value: 1 }
  expect(findVersion(event)).toBe(3)
  expect(downcast(event, 2)).toEqual([])
  expect(downcast(event, logVersion)).toEqual([event])
})

test.each<[Event]>([
  [opened({ kind: "timer", payload: {} })],
  [resolved({ kind: "timer", resolution: {} })],
  [
    opened({
      kind: "child",
      payload: { agent: "a", sessionId: "sess_2", runId: "run_2", reservedUsd: null },
    }),
  ],
])("%j has no older form, and is stored as it is", (event) => {
  expect(findVersion(event)).toBe(3)
  expect(downcast(event, 2)).toBeNull()
  expect(toStoredForms(event, 2)).toEqual([event])
  expect(downcast(event, logVersion)).toEqual([event])
})

test("waits of processes that gave them no ids are identified by their call and kind", () => {
  const event = {
    type: "approvalResolved",
    toolCallId: "call_1",
    approved: false,
    editedInput: null,
  } as const
  const [read] = upcast({ ...event, reason: null, decidedBy: null }, 2)
  expect(read).toMatchObject({ type: "waitResolved", waitId: toFormerWaitId("approval", "call_1") })
})

test("an answer's segment is left out for processes that do not know segments", () => {
  const outcome = { kind: "elicitation", resolution: { action: "decline", content: null } } as const
  const event: Event = { ...resolved(outcome), segment: { wire: "ag-ui", id: "run" } }
  expect(findVersion(event)).toBe(3)
  expect(downcast(event, 2)).toEqual(downcast(resolved(outcome), 2))
})
