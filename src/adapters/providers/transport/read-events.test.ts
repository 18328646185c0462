import { expect, it } from "vitest"
import type { ModelEvent } from "../../../core/ports/model/provider.ts"
import { ReadEvents } from "./read-events.ts"

const text = (part: number, text: string): ModelEvent => ({ type: "textDelta", part, text })
const thinking = (part: number, text: string): ModelEvent => ({ type: "thinkingDelta", part, text })
const input = (part: number, text: string): ModelEvent => ({
  type: "toolInputDelta",
  part,
  name: "look",
  text,
})
const progress: ModelEvent = { type: "progress", hiddenBytes: 1 }

function taken(...events: readonly ModelEvent[]): readonly ModelEvent[] {
  const read = new ReadEvents()
  for (const event of events) read.add(event)
  return read.take()
}

it("joins adjacent text of the same part", () => {
  expect(taken(text(0, "a"), text(0, "b"), text(0, ""), text(0, "c"))).toEqual([text(0, "abc")])
  expect(taken(input(2, "{"), input(2, "}"))).toEqual([input(2, "{}")])
})

it("does not join text of different parts or types, or text that is not adjacent", () => {
  const events = [thinking(0, "a"), text(0, "b"), text(1, "c"), progress, text(1, "d"), input(1, "e")]
  expect(taken(...events)).toEqual(events)
})

it("starts again with each read", () => {
  const read = new ReadEvents()
  read.add(text(0, "a"))
  expect(read.take()).toEqual([text(0, "a")])
  expect(read.take()).toEqual([])
  read.add(text(0, "b"))
  expect(read.take()).toEqual([text(0, "b")])
})
