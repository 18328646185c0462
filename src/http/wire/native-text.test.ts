import { describe, expect, it } from "vitest"
import type { Event } from "../../core/log/entries.ts"
import { message, runCompleted, stepStarted, text, thinking, wireUsageExpected } from "../fixtures/entries.ts"
import { entry, type Item, sent } from "../fixtures/native.ts"
import { nativeWire } from "./native.ts"

describe("a message's text", () => {
  const frame = (value: string) => ({ type: "text_delta", text: value })
  const retry = { type: "stream_retry", attempt: 1, error: expect.any(String) }
  const hello = message([{ type: "text", text: "Hello" }], 11)

  it("is sent once, by its deltas, while they are stored", () => {
    const log = { 10: stepStarted, 11: text("Hel"), 12: text("lo"), 13: hello }
    expect(sent(log)).toEqual([frame("Hel"), frame("lo")])
    expect(sent(log, 9)).toEqual([frame("Hel"), frame("lo")])
  })

  it("continues after a cursor between its deltas", () => {
    const log = { 10: stepStarted, 11: text("Hel"), 12: text("lo"), 13: hello }
    expect(sent(log, 11)).toEqual([frame("lo")])
    expect(sent(log, 12)).toEqual([])
  })

  const pruned = { 10: stepStarted, 13: hello, 14: runCompleted }
  const complete = { type: "stream_complete", usage: wireUsageExpected, terminal_disposition: "completed" }

  it("is sent from the message when the deltas were removed", () => {
    expect(sent(pruned)).toEqual([frame("Hello"), complete])
    expect(sent(pruned, 9)).toEqual([frame("Hello"), complete])
    expect(sent(pruned, 10)).toEqual([frame("Hello"), complete])
  })

  it("discards the text of a viewer when the deltas after its cursor were removed", () => {
    expect(sent(pruned, 11)).toEqual([retry, frame("Hello"), complete])
    expect(sent(pruned, 12)).toEqual([retry, frame("Hello"), complete])
  })

  it("is not sent again to a viewer with a later cursor", () => {
    expect(sent(pruned, 13)).toEqual([complete])
    expect(sent(pruned, 14)).toEqual([])
  })

  it("discards the text of a viewer when the other deltas were removed while it lagged", () => {
    expect(sent({ 10: stepStarted, 11: text("Hel"), 13: hello })).toEqual([
      frame("Hel"),
      retry,
      frame("Hello"),
    ])
  })

  it("contains only the last attempt", () => {
    const retried: Event = {
      type: "stepRetried",
      stepId: "step_1",
      attempt: 2,
      error: { code: "overloaded", message: "Busy." },
      modelIndex: 0,
    }
    const retriedFrame = { type: "stream_retry", attempt: 2, error: "Busy." }
    const whole = { 10: stepStarted, 11: text("Hello!!"), 12: retried, 13: text("Hello") }
    expect(sent({ ...whole, 14: message(hello.message.content, 13) }, 12)).toEqual([frame("Hello")])
    const prunedRetry = { 10: stepStarted, 12: retried, 14: message(hello.message.content, 13) }
    expect(sent(prunedRetry, 11)).toEqual([retriedFrame, frame("Hello")])
    expect(sent(prunedRetry, 13)).toEqual([retry, frame("Hello")])
  })

  it("starts again with each step", () => {
    const next = message([{ type: "text", text: "Bye" }], 21)
    const log = { 10: stepStarted, 11: text("Hello"), 13: hello, 20: stepStarted, 22: next }
    expect(sent(log)).toEqual([frame("Hello"), frame("Bye")])
    expect(sent({ 10: stepStarted, 11: text("unfinished"), 20: stepStarted, 22: next })).toEqual([
      frame("unfinished"),
      frame("Bye"),
    ])
  })

  it("has the order of its parts, including thinking and nothing else", () => {
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

  it("is sent from the message when it was not streamed", () => {
    expect(sent({ 10: stepStarted, 13: message(hello.message.content, null) }, 11)).toEqual([frame("Hello")])
  })

  it("treats thinking as streamed", () => {
    const both = message(
      [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "Hi" },
      ],
      2,
    )
    expect(sent({ 1: stepStarted, 2: thinking("Hm."), 3: text("Hi"), 4: both })).toHaveLength(2)
  })

  it("puts viewers with different cursors into the same state", () => {
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
