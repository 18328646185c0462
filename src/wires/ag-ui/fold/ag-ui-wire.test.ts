import { describe, expect, it } from "vitest"
import type { Event, LiveEntry } from "../../../core/log/entries.ts"
import {
  createMessage,
  createText,
  createThinking,
  runCompleted,
  runStarted,
  stepStarted,
} from "../../../http/fixtures/entries.ts"
import { content, entry, log, stepCompleted, types } from "../fixtures/entries.ts"
import { compact, eventsOf, judge, replay } from "../fixtures/judge.ts"
import { renderRun } from "../fixtures/render.ts"

const hello = createMessage([{ type: "text", text: "Hello" }], 3)
const streamed = {
  ...{ 1: runStarted, 2: stepStarted, 3: createText("Hel"), 4: createText("lo"), 5: hello },
  ...{ 6: stepCompleted, 7: runCompleted },
}

describe("a run on AG-UI", () => {
  it("is one run of the protocol, with an id on every frame", async () => {
    const read = renderRun(log(streamed))
    await judge(read)
    expect(types(read)).toEqual([
      "RUN_STARTED",
      "STEP_STARTED",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_END",
      "STEP_FINISHED",
      "RUN_FINISHED",
    ])
    expect(read.map(({ id }) => id)).toEqual(["0", "2", "3-1", "3.3m0", "4.5m0", "5", "6", "7+1"])
    expect(read.at(-1)?.event).toMatchObject({
      ...{ threadId: "thread", runId: "run", outcome: { type: "success" } },
      usage: [{ model: "model", inputTokens: 0, totalTokens: 0 }],
    })
  })

  it("shows thinking as reasoning, and each text as a message", async () => {
    const message = createMessage(
      [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "One." },
        { type: "thinking", text: "Oh." },
        { type: "text", text: "Two." },
      ],
      null,
    )
    const read = renderRun(log({ 1: runStarted, 2: stepStarted, 3: message, 4: runCompleted }))
    await judge(read)
    expect(await replay([eventsOf(read)])).toEqual([
      { id: "msg_1_0", role: "reasoning", content: "Hm." },
      { id: "msg_1", role: "assistant", content: "One." },
      { id: "msg_1_2", role: "reasoning", content: "Oh." },
      { id: "msg_1_3", role: "assistant", content: "Two." },
    ])
  })

  it("continues at every frame, also after the deltas were dropped", async () => {
    const thinking = { ...createThinking("Hmm."), part: 0 }
    const text = (value: string) => ({ ...createText(value), part: 1 })
    const message = createMessage(
      [
        { type: "thinking", text: "Hmm." },
        { type: "text", text: "Hello" },
      ],
      3,
    )
    const whole = log({
      ...{ 1: runStarted, 2: stepStarted, 3: thinking, 4: text("Hel"), 5: text("lo"), 6: message },
      ...{ 7: stepCompleted, 8: runCompleted },
    })
    const pruned = whole.filter(({ kind }) => kind === "event")
    const read = renderRun(whole)
    for (const [index, { id }] of read.slice(0, -1).entries()) {
      for (const entries of [whole, pruned]) {
        const rest = renderRun(entries, { lastEventId: id })
        const both = [...read.slice(0, index + 1), ...rest]
        await judge(both)
        expect([id, compact(eventsOf(both))]).toEqual([id, compact(eventsOf(read))])
      }
    }
  })

  it("marks the text of a failed attempt as discarded, and gives the next attempt a message of its own", async () => {
    const retried: Event = {
      ...{ type: "stepRetried", stepId: "step_1", attempt: 2, modelIndex: 0 },
      error: { code: "overloaded", message: "Busy." },
    }
    const items = { 1: runStarted, 2: stepStarted, 3: createText("Oops"), 4: retried, 5: createText("Hello") }
    const read = renderRun(log({ ...items, 6: hello, 7: runCompleted }))
    await judge(read)
    expect(eventsOf(read)).toContainEqual({
      ...{ type: "CUSTOM", name: "gateway.message_discarded" },
      value: { messageId: "msg_1", attempt: 2, reason: "Busy." },
    })
    expect(await replay([compact(eventsOf(read))])).toEqual([
      { id: "msg_1_retry2", role: "assistant", content: "Hello" },
    ])
  })

  it.each([
    ["cancelled", "cancelled"],
    ["max_turns", "success"],
  ])("that ended because of %s has the outcome %s", async (reason, outcome) => {
    const end: Event = { ...runCompleted, disposition: "interrupted", reason } as Event
    const read = renderRun(log({ 1: runStarted, 2: stepStarted, 3: createText("Hel"), 4: end }))
    await judge(read)
    expect(read.at(-1)?.event).toMatchObject({ outcome: { type: outcome }, metadata: { reason } })
  })

  it("that failed ends with RUN_ERROR, after its open message", async () => {
    const failed: Event = {
      ...{ type: "runFailed", code: "upstream_unreachable", message: "The model cannot be reached." },
      ...{ usage: stepCompleted.usage, cost: null },
    }
    const read = renderRun(log({ 1: runStarted, 2: stepStarted, 3: createText("Hel"), 4: failed }))
    await judge(read)
    expect(types(read).slice(-3)).toEqual(["TEXT_MESSAGE_END", "STEP_FINISHED", "RUN_ERROR"])
    expect(read.at(-1)?.event).toMatchObject({ code: "upstream_unreachable" })
  })

  it("shows application events and the gateway's own events as CUSTOM", async () => {
    const data: Event = { type: "dataEmitted", toolCallId: "call_1", name: "rows", value: [1] }
    const transient: LiveEntry = {
      ...{ kind: "transient", seq: 4, runId: "run_1" },
      data: { toolCallId: "call_1", name: "percent", value: 50 },
    }
    const status: LiveEntry = { kind: "status", seq: 4, runId: "run_1", message: "Waiting." }
    const entries = [...log({ 1: runStarted, 2: stepStarted, 3: data }), transient, status]
    const read = renderRun([...entries, entry(9, runCompleted)])
    await judge(read)
    expect(eventsOf(read).filter(({ type }) => type === "CUSTOM")).toEqual([
      { type: "CUSTOM", name: "rows", value: [1], metadata: { toolCallId: "call_1" } },
      { type: "CUSTOM", name: "percent", value: 50, metadata: { toolCallId: "call_1" } },
      { type: "CUSTOM", name: "gateway.status", value: { message: "Waiting." } },
    ])
  })

  it("shows no message of a user for a call without a model", () => {
    const call = { tool: "pay", input: {}, origin: { type: "code" } } as const
    const direct = { ...runStarted, content: [], call } as Event
    const entries = log({ 1: direct, 2: stepStarted, 3: runCompleted })
    const read = renderRun(entries, { isAuthor: false, snapshot: [] })
    expect(types(read)).not.toContain("TEXT_MESSAGE_START")
  })

  it("shows the messages of users to clients that have not sent them", async () => {
    const steered: Event = { type: "userMessageAdded", content: [{ type: "text", text: "Faster." }] }
    const entries = log({ 1: runStarted, 2: stepStarted, 3: stepCompleted, 4: steered, 5: runCompleted })
    const read = renderRun(entries, { isAuthor: false, snapshot: [] })
    await judge(read)
    expect(await replay([eventsOf(read)])).toEqual([
      { id: "run_1_user", role: "user", content: "hello" },
      { id: "msg_user_4", role: "user", content: "Faster." },
    ])
    expect(content(renderRun(entries))).toBe("Faster.")
    expect(content(renderRun(entries, { hasSteered: true }))).toBe("")
  })
})
