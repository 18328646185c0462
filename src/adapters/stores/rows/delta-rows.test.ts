import { expect, test } from "vitest"
import type { Delta } from "../../../core/log/deltas.ts"
import type { DeltaEntry } from "../../../core/log/entries.ts"
import { packDeltas, unpackDeltas } from "./delta-rows.ts"

const text = (part: number, value: string, stepId = "step_1"): Delta => {
  return { type: "textDelta", stepId, messageId: "msg_1", part, text: value }
}
const thinking = (value: string): Delta => {
  return { type: "thinkingDelta", stepId: "step_1", messageId: "msg_1", part: 0, text: value }
}
const output = (stream: "stdout" | "stderr", chunk: number, toolCallId = "call_1"): Delta => {
  return { type: "toolOutput", stepId: "step_1", toolCallId, toolName: "run", stream, text: "x", chunk }
}

const input = (value: string, toolCallId = "call_1"): Delta => {
  return { type: "toolInput", stepId: "step_1", toolCallId, toolName: "run", text: value }
}

function entries(deltas: readonly [Delta, ...Delta[]], firstSeq = 5): [DeltaEntry, ...DeltaEntry[]] {
  const [first, ...rest] = deltas
  const entry = (delta: Delta, n: number): DeltaEntry => {
    return { kind: "delta", seq: firstSeq + 3 * n, runId: "run_1", delta }
  }
  return [entry(first, 0), ...rest.map((delta, index) => entry(delta, index + 1))]
}

test.each<readonly [string, readonly [Delta, ...Delta[]]]>([
  ["one", [text(0, "a")]],
  ["several of one part", [text(0, "a"), text(0, ""), text(0, "\u0000\ud800")]],
  [
    "several parts, steps and kinds",
    [thinking("a"), text(0, "b"), text(1, "c"), text(1, "d", "step_2"), thinking("e")],
  ],
  [
    "a tool's two streams",
    [output("stdout", 0), output("stderr", 1), output("stderr", 2), output("stdout", 3)],
  ],
  [
    "the input of two calls by turns",
    [input("a"), input("b"), input("c", "call_2"), input("d"), text(0, "e")],
  ],
  ["two tools by turns", [output("stdout", 0), output("stdout", 0, "call_2"), output("stdout", 1)]],
])("deltas are read back unchanged: %s", (_, deltas) => {
  const packed = entries(deltas)
  expect(unpackDeltas(packDeltas(packed))).toEqual(packed)
})

test("numbers of late epochs are read back exactly", () => {
  const packed = entries([text(0, "a"), text(0, "b")], Number.MAX_SAFE_INTEGER - 3)
  const row = packDeltas(packed)
  expect(row.lastSeq).toBe(Number.MAX_SAFE_INTEGER)
  expect(unpackDeltas(row)).toEqual(packed)
})

test("deltas of one part share a header", () => {
  const alone = packDeltas(entries([text(0, "word")])).body.length
  const many = Array.from({ length: 99 }, () => text(0, "word"))
  expect(packDeltas(entries([text(0, "word"), ...many])).body.length).toBeLessThan(alone + 99 * 14)
})
