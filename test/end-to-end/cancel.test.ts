import { expect, test } from "vitest"
import { assemble, types } from "./support/assemble.ts"
import { journal, journaled } from "./support/journal.ts"
import { calls, pausing, says, silent } from "./support/model.ts"
import { sharedGateway } from "./support/shared-gateway.ts"

const serving = sharedGateway()

const never = new Promise<void>(() => {})
const cancelled = { terminal_disposition: "interrupted", reason: "cancelled" }

test("a cancel during text ends the model call and the run, and the text so far is kept", async () => {
  const { session, model } = await serving([pausing(["one ", "two ", "three"], 2, never), says("Yes.")])
  const stream = await session.chat("Count")
  const begun = await stream.until(({ event }) => event.type === "text_delta" && event.text === "two ")
  const runId = stream.response.headers.get("x-run-id")
  const viewer = await session.subscribe({ afterSeq: 0 })
  expect(await session.cancel()).toBe(runId)
  const frames = [...begun, ...(await stream.rest())]
  expect(assemble(frames)).toMatchObject({ text: "one two ", terminal: cancelled })
  expect(await viewer.rest()).toEqual(frames)
  expect(await model.requests[0]?.outcome).toBe("disconnected")

  const again = await session.post("/chat/cancel", {})
  expect({ status: again.status, body: await again.json() }).toMatchObject({
    status: 404,
    body: { code: "no_active_run" },
  })
  await (await session.chat("Did you count?")).rest()
  expect(model.requests[1]?.body).toMatchObject({
    messages: [{ role: "user" }, { role: "assistant", content: [{ text: "one two " }] }, { role: "user" }],
  })
})

test("a cancel before the first token ends the run", async () => {
  const { session, model } = await serving([silent])
  const stream = await session.chat("Anyone?")
  await session.cancel()
  const frames = await stream.rest()
  expect(frames.map(({ event }) => event)).toEqual([
    { type: "stream_complete", usage: expect.anything(), ...cancelled },
  ])
  expect(model.requests.length).toBeLessThanOrEqual(1)
})

test("a cancel reaches a running tool, and its outcome is unknown", async () => {
  const { session, folder } = await serving([calls("charge"), says("Not reached.")])
  const stream = await session.chat("Charge")
  const started = await stream.until(({ event }) => event.type === "tool_output_chunk")
  await session.cancel()
  expect(types([...started, ...(await stream.rest())])).toEqual([
    "tool_call_start",
    "tool_output_chunk",
    "tool_call_interrupted",
    "turn_complete",
    "stream_complete",
  ])
  await journaled(folder, "charge aborted")
  expect(await journal(folder)).toEqual([expect.stringMatching(/^charge began call_/), "charge aborted"])
})

test("a cancel of a run by its id does not affect another run", async () => {
  const { session } = await serving([pausing(["a", "b"], 1, never)])
  const stream = await session.chat("Go")
  const wrong = await session.post("/chat/cancel", { run_id: "run_00000000000000000000" })
  expect({ status: wrong.status, body: await wrong.json() }).toMatchObject({
    status: 404,
    body: { code: "no_active_run" },
  })
  const right = await session.post("/chat/cancel", { run_id: stream.response.headers.get("x-run-id") })
  expect(right.status).toBe(200)
  expect(assemble(await stream.rest()).terminal).toMatchObject(cancelled)
})

test("a cancel needs no body", async () => {
  const { session } = await serving([pausing(["a", "b"], 1, never)])
  const stream = await session.chat("Go")
  expect((await session.request("/chat/cancel", { method: "POST" })).status).toBe(200)
  expect(assemble(await stream.rest()).terminal).toMatchObject(cancelled)
})
