import { describe, expect, it } from "vitest"
import type { Event } from "../../../core/log/entries.ts"
import {
  createMessage,
  createText,
  createThinking,
  runCompleted,
  stepStarted,
  wireUsageExpected,
} from "../../../http/fixtures/entries.ts"
import { createEntry, type Item, renderFrames } from "../fixtures/native.ts"
import { nativeWire } from "./native-wire.ts"

describe("a message's text", () => {
  const frame = (value: string) => ({ type: "text_delta", text: value })
  const retry = { type: "stream_retry", attempt: 1, error: expect.any(String) }
  const hello = createMessage([{ type: "text", text: "Hello" }], 11)

  it("is sent once, by its deltas, while they are stored", () => {
    const log = { 10: stepStarted, 11: createText("Hel"), 12: createText("lo"), 13: hello }
    expect(renderFrames(log)).toEqual([frame("Hel"), frame("lo")])
    expect(renderFrames(log, 9)).toEqual([frame("Hel"), frame("lo")])
  })

  it("continues after a cursor between its deltas", () => {
    const log = { 10: stepStarted, 11: createText("Hel"), 12: createText("lo"), 13: hello }
    expect(renderFrames(log, 11)).toEqual([frame("lo")])
    expect(renderFrames(log, 12)).toEqual([])
  })

  const pruned = { 10: stepStarted, 13: hello, 14: runCompleted }
  const complete = { type: "stream_complete", usage: wireUsageExpected, terminal_disposition: "completed" }

  it("is sent from the message when the deltas were removed", () => {
    expect(renderFrames(pruned)).toEqual([frame("Hello"), complete])
    expect(renderFrames(pruned, 9)).toEqual([frame("Hello"), complete])
    expect(renderFrames(pruned, 10)).toEqual([frame("Hello"), complete])
  })

  it("discards the text of a viewer when the deltas after its cursor were removed", () => {
    expect(renderFrames(pruned, 11)).toEqual([retry, frame("Hello"), complete])
    expect(renderFrames(pruned, 12)).toEqual([retry, frame("Hello"), complete])
  })

  it("is not sent again to a viewer with a later cursor", () => {
    expect(renderFrames(pruned, 13)).toEqual([complete])
    expect(renderFrames(pruned, 14)).toEqual([])
  })

  it("discards the text of a viewer when the other deltas were removed while it lagged", () => {
    expect(renderFrames({ 10: stepStarted, 11: createText("Hel"), 13: hello })).toEqual([
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
    const whole = { 10: stepStarted, 11: createText("Hello!!"), 12: retried, 13: createText("Hello") }
    expect(renderFrames({ ...whole, 14: createMessage(hello.message.content, 13) }, 12)).toEqual([
      frame("Hello"),
    ])
    const prunedRetry = { 10: stepStarted, 12: retried, 14: createMessage(hello.message.content, 13) }
    expect(renderFrames(prunedRetry, 11)).toEqual([retriedFrame, frame("Hello")])
    expect(renderFrames(prunedRetry, 13)).toEqual([retry, frame("Hello")])
  })

  it("starts again with each step", () => {
    const next = createMessage([{ type: "text", text: "Bye" }], 21)
    const log = { 10: stepStarted, 11: createText("Hello"), 13: hello, 20: stepStarted, 22: next }
    expect(renderFrames(log)).toEqual([frame("Hello"), frame("Bye")])
    expect(
      renderFrames({ 10: stepStarted, 11: createText("unfinished"), 20: stepStarted, 22: next }),
    ).toEqual([frame("unfinished"), frame("Bye")])
  })

  it("has the order of its parts, including thinking and nothing else", () => {
    const parts = createMessage(
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
    expect(renderFrames({ 1: stepStarted, 2: parts })).toEqual(frames)
    expect(renderFrames({ 1: stepStarted, 9: { ...parts, streamedFrom: 2 } }, 5)).toEqual([retry, ...frames])
  })

  it("is sent from the message when it was not streamed", () => {
    expect(renderFrames({ 10: stepStarted, 13: createMessage(hello.message.content, null) }, 11)).toEqual([
      frame("Hello"),
    ])
  })

  it("treats thinking as streamed", () => {
    const both = createMessage(
      [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "Hi" },
      ],
      2,
    )
    expect(
      renderFrames({ 1: stepStarted, 2: createThinking("Hm."), 3: createText("Hi"), 4: both }),
    ).toHaveLength(2)
  })

  it("puts viewers with different cursors into the same state", () => {
    const log: readonly [number, Item][] = [
      [10, stepStarted],
      [11, createText("Hel")],
      [12, createText("lo")],
    ]
    const stateAt = (afterSeq: number) =>
      log.reduce(
        (state, [seq, item]) => nativeWire.fold(state, createEntry(seq, item))[0],
        nativeWire.start(afterSeq),
      )
    expect(stateAt(11)).toBe(stateAt(0))
    expect(stateAt(9)).toBe(stateAt(0))
  })
})
