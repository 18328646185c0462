import { expect, test } from "vitest"
import type { Frame } from "./support/event-stream.ts"
import { eventStream } from "./support/event-stream.ts"
import { answers, says } from "./support/model.ts"
import { sharedGateway } from "./support/shared-gateway.ts"

const serving = sharedGateway()
const pieces = ['{"a":', "2,", '"b":40}'] as const
const calling = answers([
  { type: "text", text: "Adding." },
  { type: "toolCall", name: "add", inputJson: pieces },
])
const inputs = (frames: readonly Frame[]) =>
  frames.filter(({ event }) => event.type === "tool_input_delta").map(({ event }) => event)

test("the arguments of a call are streamed to subscribers that ask for them, before the call with the same id starts", async () => {
  const { session } = await serving([calling, says("42.")])
  const stream = await session.chat({ message: "2 + 40?", tool_input_deltas: true })
  const frames = await stream.rest()
  const start = frames.findIndex(({ event }) => event.type === "tool_call_start")
  const event = frames[start]?.event
  const tool_call_id = event?.type === "tool_call_start" ? event.tool_call_id : "none"
  const expected = pieces.map((text) => ({ type: "tool_input_delta", tool_call_id, tool_name: "add", text }))
  expect(inputs(frames)).toEqual(expected)
  expect(inputs(frames.slice(0, start))).toEqual(expected)
  expect(event).toMatchObject({ tool_input: { a: 2, b: 40 } })

  const plain = await (await session.subscribe({ afterSeq: 0 })).rest()
  expect(plain).toEqual(frames.filter(({ event }) => event.type !== "tool_input_delta"))
  const subscribe = async (after: number | null | undefined) => {
    const query = `?after_seq=${after}&tool_input_deltas=true`
    return eventStream(await session.request(`/chat/subscribe${query}`)).rest()
  }
  expect(await subscribe(0)).toEqual(frames)
  const second = frames.findIndex(({ event }) => event.type === "tool_input_delta") + 1
  expect(inputs(await subscribe(frames[second]?.id))).toEqual(expected.slice(2))
})

test("no arguments are streamed without a request for them", async () => {
  const { session } = await serving([calling, says("42.")])
  expect(inputs(await (await session.chat("2 + 40?")).rest())).toEqual([])
  const later = await session.request("/chat/subscribe?after_seq=0&tool_input_deltas=true")
  expect(inputs(await eventStream(later).rest())).toEqual([])
})
