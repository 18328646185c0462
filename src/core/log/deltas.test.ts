import { expect, test } from "vitest"
import { type Delta, OpenedParts } from "./deltas.ts"

const text = (type: "textDelta" | "thinkingDelta", part: number): Delta => {
  return { type, stepId: "step", messageId: "msg", part, text: "t" }
}
const input = (toolCallId: string): Delta => {
  return { type: "toolInput", stepId: "step", toolCallId, toolName: "tool", text: "{" }
}

test("each part counts once, in the order of the first deltas, and output of tools is no part", () => {
  const opened = new OpenedParts()
  const output = { type: "toolOutput", stepId: "step", toolCallId: "call_1", toolName: "tool" } as const
  const deltas: readonly Delta[] = [
    text("thinkingDelta", 0),
    text("thinkingDelta", 0),
    text("textDelta", 2),
    input("call_1"),
    text("textDelta", 1),
    input("call_2"),
    input("call_1"),
    text("textDelta", 2),
    { ...output, stream: "stdout", text: "out", chunk: 0 },
  ]
  for (const delta of deltas) opened.add(delta)
  expect(opened.list()).toEqual([
    { type: "thinking", part: 0 },
    { type: "text", part: 2 },
    { type: "toolInput", toolCallId: "call_1" },
    { type: "text", part: 1 },
    { type: "toolInput", toolCallId: "call_2" },
  ])
})

test("10 000 parts that grow 20 times are listed once each", () => {
  const opened = new OpenedParts()
  for (let round = 0; round < 20; round++)
    for (let part = 0; part < 10_000; part++) opened.add(text("textDelta", part))
  expect(opened.list()).toHaveLength(10_000)
})
