import { expect, test } from "vitest"
import { calls, says } from "./support/model.ts"
import { sharedGateway } from "./support/shared-gateway.ts"

const serving = sharedGateway()

test("data of a tool is streamed live, streamed again from a cursor, and in the history; transient data is only live", async () => {
  const { session } = await serving([calls("track"), says("Done.")])
  const stream = await session.chat("Track it.")
  const frames = await stream.rest()
  const data = frames.filter(({ event }) => event.type === "data").map(({ event }) => event)
  const tool_call_id = expect.stringMatching(/^call_\w+$/)
  const run_id = stream.response.headers.get("x-run-id")
  const row = (value: number) => ({ type: "data", tool_call_id, run_id, name: "row", value: { row: value } })
  const percent = { type: "data", tool_call_id, run_id, name: "percent", value: 50, transient: true }
  expect(data).toEqual([row(1), percent, row(2)])

  const again = await (await session.subscribe({ afterSeq: 0 })).rest()
  expect(again).toEqual(frames.filter(({ event }) => event.type !== "data" || event.transient !== true))
  const transient = frames.find(({ event }) => event.type === "data" && event.transient === true)
  const rest = await (await session.subscribe({ lastEventId: transient?.id ?? 0 })).rest()
  expect(rest[0]?.event).toEqual(row(2))

  const { messages } = await session.history()
  expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"])
  const block = { type: "data", tool_call_id, name: "row" }
  expect(messages[2]?.content).toEqual([
    { ...block, value: { row: 1 } },
    { ...block, value: { row: 2 } },
    { type: "tool_result", tool_call_id, result: "tracked", error: null, duration_ms: expect.any(Number) },
  ])
})
