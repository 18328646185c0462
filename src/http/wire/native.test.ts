import { describe, expect, it } from "vitest"
import type { Delta, Entry, Event } from "../../core/entries.ts"
import {
  message,
  runCompleted,
  runStarted,
  stepStarted,
  text,
  thinking,
  usage,
  wireUsageExpected,
} from "../fixtures/entries.ts"
import { chatEventSchema } from "../schemas/events.ts"
import { nativeWire } from "./native.ts"

type Item = Event | Delta

function entry(seq: number, item: Item): Entry {
  if (item.type === "textDelta" || item.type === "thinkingDelta" || item.type === "toolOutput") {
    return { kind: "delta", seq, runId: "run_1", delta: item }
  }
  return { kind: "event", seq, v: 1, at: 0, runId: "run_1", event: item }
}

/** What a viewer at the cursor is sent of a log; each frame is checked against the documented schema. */
function sent(log: Readonly<Record<number, Item>>, afterSeq = 0): readonly unknown[] {
  let state = nativeWire.start(afterSeq)
  const events: unknown[] = []
  for (const [key, item] of Object.entries(log)) {
    const [next, frames] = nativeWire.fold(state, entry(Number(key), item))
    state = next
    if (Number(key) > afterSeq) events.push(...frames.map(parsed))
  }
  return events
}

function parsed(frame: string): unknown {
  expect(frame).not.toContain("\n")
  const event: unknown = JSON.parse(frame)
  expect(chatEventSchema.parse(event)).toEqual(event)
  return event
}

const call = { toolCallId: "call_1", name: "look" }
const completed = {
  type: "toolCallCompleted",
  ...call,
  durationMs: 12,
  server: null,
  executionLocation: "backend",
} as const
const completedFrame = {
  type: "tool_call_complete",
  tool_call_id: "call_1",
  tool_name: "look",
  error: null,
  duration_ms: 12,
  server: null,
  execution_location: "backend",
}

describe("the native wire", () => {
  it.each<[Item, object]>([
    [text('say "hi"\n\u2028\ud800'), { type: "text_delta", text: 'say "hi"\n\u2028\ud800' }],
    [thinking("hm\r\n"), { type: "thinking_delta", text: "hm\r\n" }],
    [
      {
        type: "toolOutput",
        stepId: "step_1",
        toolCallId: "call_1",
        toolName: "run",
        stream: "stderr",
        text: "oops",
        chunk: 3,
      },
      {
        type: "tool_output_chunk",
        tool_call_id: "call_1",
        tool_name: "run",
        stream: "stderr",
        text: "oops",
        seq: 3,
      },
    ],
    [
      {
        type: "toolCallRequested",
        stepId: "step_1",
        ...call,
        input: { at: [1] },
        callIndex: 2,
        executionLocation: "client",
      },
      {
        type: "tool_call_start",
        tool_call_id: "call_1",
        tool_name: "look",
        tool_input: { at: [1] },
        execution_location: "client",
        call_index: 2,
      },
    ],
    [
      { ...completed, result: { type: "json", value: { seen: true } } },
      { ...completedFrame, result: { seen: true } },
    ],
    [
      { ...completed, result: { type: "json", value: null } },
      { ...completedFrame, result: null },
    ],
    [
      {
        ...completed,
        server: "eyes",
        result: {
          type: "content",
          content: [
            { type: "text", text: "seen" },
            { type: "image", source: { type: "base64", mediaType: "image/png", data: "aGk=" } },
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
          ],
        },
      },
      {
        ...completedFrame,
        server: "eyes",
        result: {
          content: [
            { type: "text", text: "seen" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
          ],
        },
      },
    ],
    [
      { ...completed, result: { type: "error", code: "timeout", message: "Too slow." } },
      { ...completedFrame, result: null, error: { code: "timeout", message: "Too slow." } },
    ],
    [
      { type: "toolCallInterrupted", ...call, reason: "crashed", outcome: "unknown" },
      {
        type: "tool_call_interrupted",
        tool_call_id: "call_1",
        tool_name: "look",
        reason: "crashed",
        outcome: "unknown",
      },
    ],
    [
      { type: "stepRetried", stepId: "step_1", attempt: 2, error: { code: "overloaded", message: "Busy." } },
      { type: "stream_retry", attempt: 2, error: "Busy." },
    ],
    [
      { type: "stepCompleted", stepId: "step_1", step: 3, usage },
      { type: "turn_complete", turn: 3, usage: wireUsageExpected },
    ],
    [
      { type: "maxTurnsReached", turnCount: 4, maxTurns: 4 },
      { type: "max_turns_reached", turn_count: 4, max_turns: 4 },
    ],
    [runCompleted, { type: "stream_complete", usage: wireUsageExpected, terminal_disposition: "completed" }],
    [
      { type: "runCompleted", disposition: "interrupted", reason: "cancelled", usage },
      {
        type: "stream_complete",
        usage: wireUsageExpected,
        terminal_disposition: "interrupted",
        reason: "cancelled",
      },
    ],
    [
      { type: "runFailed", code: "overloaded", message: "The model is busy.", usage },
      { type: "error", error: "The model is busy.", code: "overloaded" },
    ],
  ])("sends %j as its event", (item, event) => {
    expect(sent({ 1: item })).toEqual([event])
  })

  it.each<[Item]>([
    [runStarted],
    [stepStarted],
    [{ type: "historyReplaced", messages: [] }],
    [{ type: "toolCallStarted", toolCallId: "call_1" }],
  ])("sends nothing for %j", (item) => {
    expect(sent({ 1: item })).toEqual([])
  })

  it("has frames for the time nothing happens and for what cannot be sent", () => {
    expect(parsed(nativeWire.heartbeat(1500))).toEqual({ type: "heartbeat", timestamp: 1.5 })
    expect(parsed(nativeWire.failure())).toEqual({ type: "stream_error", error: expect.any(String) })
  })
})

describe("a message's text", () => {
  const frame = (value: string) => ({ type: "text_delta", text: value })
  const retry = { type: "stream_retry", attempt: 1, error: expect.any(String) }
  const hello = message([{ type: "text", text: "Hello" }], 11)

  it("is sent once, by its deltas, while they are there", () => {
    const log = { 10: stepStarted, 11: text("Hel"), 12: text("lo"), 13: hello }
    expect(sent(log)).toEqual([frame("Hel"), frame("lo")])
    expect(sent(log, 9)).toEqual([frame("Hel"), frame("lo")])
  })

  it("goes on after a cursor among its deltas", () => {
    const log = { 10: stepStarted, 11: text("Hel"), 12: text("lo"), 13: hello }
    expect(sent(log, 11)).toEqual([frame("lo")])
    expect(sent(log, 12)).toEqual([])
  })

  const pruned = { 10: stepStarted, 13: hello, 14: runCompleted }
  const complete = { type: "stream_complete", usage: wireUsageExpected, terminal_disposition: "completed" }

  it("is given by the message when the deltas are gone", () => {
    expect(sent(pruned)).toEqual([frame("Hello"), complete])
    expect(sent(pruned, 9)).toEqual([frame("Hello"), complete])
    expect(sent(pruned, 10)).toEqual([frame("Hello"), complete])
  })

  it("voids what a viewer had when the deltas after its cursor are gone", () => {
    expect(sent(pruned, 11)).toEqual([retry, frame("Hello"), complete])
    expect(sent(pruned, 12)).toEqual([retry, frame("Hello"), complete])
  })

  it("is not sent again to a viewer that is past it", () => {
    expect(sent(pruned, 13)).toEqual([complete])
    expect(sent(pruned, 14)).toEqual([])
  })

  it("voids what a viewer was shown when the rest of the deltas went while it lagged", () => {
    expect(sent({ 10: stepStarted, 11: text("Hel"), 13: hello })).toEqual([
      frame("Hel"),
      retry,
      frame("Hello"),
    ])
  })

  it("is the last attempt's alone", () => {
    const retried: Event = {
      type: "stepRetried",
      stepId: "step_1",
      attempt: 2,
      error: { code: "overloaded", message: "Busy." },
    }
    const retriedFrame = { type: "stream_retry", attempt: 2, error: "Busy." }
    const whole = { 10: stepStarted, 11: text("Hello!!"), 12: retried, 13: text("Hello") }
    expect(sent({ ...whole, 14: message(hello.message.content, 13) }, 12)).toEqual([frame("Hello")])
    const prunedRetry = { 10: stepStarted, 12: retried, 14: message(hello.message.content, 13) }
    expect(sent(prunedRetry, 11)).toEqual([retriedFrame, frame("Hello")])
    expect(sent(prunedRetry, 13)).toEqual([retry, frame("Hello")])
  })

  it("begins anew with each step", () => {
    const next = message([{ type: "text", text: "Bye" }], 21)
    const log = { 10: stepStarted, 11: text("Hello"), 13: hello, 20: stepStarted, 22: next }
    expect(sent(log)).toEqual([frame("Hello"), frame("Bye")])
    expect(sent({ 10: stepStarted, 11: text("unfinished"), 20: stepStarted, 22: next })).toEqual([
      frame("unfinished"),
      frame("Bye"),
    ])
  })

  it("comes in the order of its parts, thinking too and nothing else", () => {
    const parts = message(
      [
        { type: "thinking", text: "Hm.", vendor: { provider: "a", data: {} } },
        { type: "opaque", vendor: { provider: "a", data: {} } },
        { type: "text", text: "One." },
        { type: "text", text: "" },
        { type: "toolCall", toolCallId: "call_1", name: "look", input: {} },
        { type: "text", text: "Two." },
      ],
      null,
    )
    const frames = [{ type: "thinking_delta", text: "Hm." }, frame("One."), frame("Two.")]
    expect(sent({ 1: stepStarted, 2: parts })).toEqual(frames)
    expect(sent({ 1: stepStarted, 9: { ...parts, streamedFrom: 2 } }, 5)).toEqual([retry, ...frames])
  })

  it("is sent by the message when it was not streamed", () => {
    expect(sent({ 10: stepStarted, 13: message(hello.message.content, null) }, 11)).toEqual([frame("Hello")])
  })

  it("counts thinking as streamed", () => {
    const both = message(
      [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "Hi" },
      ],
      2,
    )
    expect(sent({ 1: stepStarted, 2: thinking("Hm."), 3: text("Hi"), 4: both })).toHaveLength(2)
  })

  it("puts viewers that came by different ways into the same state", () => {
    const log: readonly [number, Item][] = [
      [10, stepStarted],
      [11, text("Hel")],
      [12, text("lo")],
    ]
    const stateAt = (afterSeq: number) =>
      log.reduce(
        (state, [seq, item]) => nativeWire.fold(state, entry(seq, item))[0],
        nativeWire.start(afterSeq),
      )
    expect(stateAt(11)).toBe(stateAt(0))
    expect(stateAt(9)).toBe(stateAt(0))
  })
})
