import { afterEach, describe, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { ToolContext, ToolOutcome } from "../../core/ports/tools/tool.ts"
import type { Question } from "../../core/question.ts"
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
  type TestNode,
} from "./fixtures/test-gateway.ts"

const decidedBy = { via: "http", tenant: "tenant", userId: "alice", address: "127.0.0.1" } as const
const form: Question = {
  mode: "form",
  message: "Which room?",
  schema: {
    type: "object",
    properties: { beds: { type: "integer" }, floor: { type: "string", default: "any" } },
    required: ["beds", "floor"],
  },
}
const page: Question = { mode: "url", message: "Pay.", url: "https://pay.example", elicitationId: null }

const opened: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.stop()
})

async function openStore(): Promise<Store> {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  opened.push({ stop: () => store.close() })
  return store
}

type Execute = (input: JsonObject, context: ToolContext) => ToolOutcome | Promise<ToolOutcome>

/** Returns a tool that asks the question and returns the answer as its result. */
const durably =
  (question: Question): Execute =>
  (_, { answered }) =>
    answered === null
      ? { type: "wait", kind: "elicitation", question, continuation: { key: 1 } }
      : { type: "json", value: JSON.parse(JSON.stringify(answered)) }
const within =
  (question: Question): Execute =>
  async (_, { ask }) => ({ type: "json", value: { ...(await ask(question)) } })

/** Starts a node whose model calls the tool once and then responds, and a run whose question is open. */
async function asked(execute: Execute, options: { readonly store?: Store } = {}) {
  const { store = await openStore() } = options
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "book", input: {} }],
  )
  const node = await startTestNode(provider, { store, tools: [createAnyTool("book", execute)] })
  opened.push(node)
  if (options.store !== undefined) return { node, store }
  const { id } = await node.sessions.create(alice)
  const { runId } = await putAccepted(node, id, "Book.")
  return { node, store, id, runId, wait: await openWait(node, id) }
}

async function openWait(node: TestNode, sessionId: string): Promise<Wait> {
  const open = () => node.sessions.openWaits({ sessionId })
  await vi.waitFor(async () => expect(await open()).toHaveLength(1), patience)
  const [wait] = await node.sessions.openWaits({ sessionId })
  if (wait === undefined) throw new Error("nothing was asked")
  return wait
}

async function begun(execute: Execute) {
  const { id = "", runId = "", wait, ...rest } = await asked(execute)
  if (wait === undefined) throw new Error("nothing was asked")
  const { sessionId, toolCallId, nonce } = wait
  return { ...rest, id, runId, wait, target: { sessionId, toolCallId, nonce, decidedBy } }
}

async function resultOf(node: TestNode, id: string, runId: string): Promise<unknown> {
  await node.sessions.result(id, runId, {})
  const { messages } = await readWholeHistory(node.sessions, id)
  const told = messages.find(({ role }) => role === "tool")
  return told?.role === "tool" ? told.results[0]?.result : null
}

describe("a question that a tool asks the user", () => {
  it("is answered in another process, with the form's defaults", async () => {
    const { node, store, id, runId, target } = await begun(durably(form))
    await vi.waitFor(() => expect(node.worker.activeRuns).toBe(0), patience)
    await node.stop()
    const { node: next } = await asked(durably(form), { store })
    const response = { ...target, action: "accept", content: { beds: 2 } } as const
    expect(await next.sessions.answer({ kind: "elicitation", ...response })).toMatchObject({
      status: "accepted",
    })
    expect(await resultOf(next, id, runId)).toEqual({
      type: "json",
      value: {
        kind: "elicitation",
        continuation: { key: 1 },
        action: "accept",
        content: { beds: 2, floor: "any" },
      },
    })
    expect(await next.sessions.answer({ kind: "elicitation", ...response })).toEqual({ status: "answered" })
    expect(await next.sessions.audit({ sessionId: id })).toMatchObject([{ action: "accepted", decidedBy }])
  })

  it.each<[string, Question, object, string]>([
    ["does not fit the form", form, { action: "accept", content: { beds: "two" } }, "beds"],
    ["leaves out what is required", form, { action: "accept", content: {} }, "beds"],
    ["accepts a form without filling it in", form, { action: "accept" }, "must have content"],
    ["fills in what it declines", form, { action: "decline", content: { beds: 2 } }, "must not have content"],
    ["fills in a page", page, { action: "accept", content: {} }, "must not have content"],
    [
      "is for a form whose schema nobody can use",
      { mode: "form", message: "?", schema: { type: "object", properties: { beds: { type: "bed" } } } },
      { action: "accept", content: { beds: 2 } },
      "cannot be used",
    ],
  ])("is not answered by an answer that %s, and stays open", async (_, question, response, message) => {
    const { node, target } = await begun(durably(question))
    const outcome = await node.sessions.answer({
      kind: "elicitation",
      ...target,
      action: "accept",
      ...response,
    })
    expect(outcome).toEqual({ status: "invalid", message: expect.stringContaining(message) })
    expect(await node.sessions.answer({ kind: "elicitation", ...target, action: "decline" })).toMatchObject({
      status: "accepted",
    })
  })

  it("may have a form whose check never ends, which blocks nothing else", async () => {
    const properties = { name: { type: "string", pattern: "^(a+)+$" } }
    const { node, target } = await begun(
      durably({ mode: "form", message: "?", schema: { type: "object", properties } }),
    )
    const content = { name: `${"a".repeat(60)}!` }
    const outcome = await node.sessions.answer({ kind: "elicitation", ...target, action: "accept", content })
    expect(outcome).toEqual({ status: "invalid", message: expect.stringContaining("takes longer than") })
    const fitting = { action: "accept", content: { name: "aaa" } } as const
    expect(await node.sessions.answer({ kind: "elicitation", ...target, ...fitting })).toMatchObject({
      status: "accepted",
    })
  })

  it("may be about a page, which is accepted without content", async () => {
    const { node, id, runId, target } = await begun(durably(page))
    expect(await node.sessions.answer({ kind: "elicitation", ...target, action: "accept" })).toMatchObject({
      status: "accepted",
    })
    expect(await resultOf(node, id, runId)).toMatchObject({ value: { action: "accept", content: null } })
  })

  it("ends when its run is canceled", async () => {
    const { node, id, runId, target } = await begun(durably(form))
    await node.sessions.cancel(id, runId)
    await node.sessions.result(id, runId, {})
    expect(await node.sessions.answer({ kind: "elicitation", ...target, action: "decline" })).toEqual({
      status: "expired",
    })
  })

  it("is not an approval", async () => {
    const { node, target } = await begun(durably(form))
    expect(await node.sessions.answer({ kind: "approval", ...target, approved: true })).toEqual({
      status: "unknown",
    })
    expect(
      await node.sessions.answer({ kind: "elicitation", ...target, nonce: "guess", action: "accept" }),
    ).toEqual({
      status: "wrongNonce",
    })
  })
})

describe("a question from inside a call", () => {
  it("is answered while the call runs", async () => {
    const { node, id, runId, target } = await begun(within(form))
    expect(node.worker.activeRuns).toBe(1)
    await node.sessions.answer({
      kind: "elicitation",
      ...target,
      action: "accept",
      content: { beds: 1, floor: "2" },
    })
    expect(await resultOf(node, id, runId)).toMatchObject({ value: { content: { beds: 1, floor: "2" } } })
  })

  it("ends with the process: the next one closes it and reports that the call was interrupted", async () => {
    const { node, store, id, runId, target } = await begun(within(form))
    await node.stop()
    const { node: next } = await asked(within(form), { store })
    expect(await resultOf(next, id, runId)).toMatchObject({ code: "interrupted" })
    expect(await next.sessions.answer({ kind: "elicitation", ...target, action: "decline" })).toEqual({
      status: "expired",
    })
    expect(await next.sessions.openWaits({ sessionId: id })).toEqual([])
  })

  it("ends when its run is canceled", async () => {
    const { node, id, runId, target } = await begun(within(form))
    await node.sessions.cancel(id, runId)
    expect((await node.sessions.result(id, runId, {})).outcome).toMatchObject({ reason: "cancelled" })
    expect(await node.sessions.answer({ kind: "elicitation", ...target, action: "decline" })).toEqual({
      status: "expired",
    })
  })
})
