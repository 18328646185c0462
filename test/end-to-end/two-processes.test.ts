import { expect, test } from "vitest"
import { assemble, ids } from "./support/assemble.ts"
import { kill } from "./support/gateway-process.ts"
import { journaled } from "./support/journal.ts"
import { calls, gate, pausing, says, words } from "./support/model.ts"
import { startTwoGateways } from "./support/two-gateways.ts"

test("two processes serve the same sessions, and each knows the messages of the other", async () => {
  const { session, elsewhere, model } = await startTwoGateways([says("First."), says("Second.")])
  await (await session.chat("1")).rest()
  expect(assemble(await (await elsewhere.chat("2")).rest()).text).toBe("Second.")
  expect(await session.history()).toEqual(await elsewhere.history())
  expect(model.requests[1]?.body).toMatchObject({ messages: [{}, { content: [{ text: "First." }] }, {}] })
})

test("a run of one process is followed live, refused a second message and canceled through the other", async () => {
  const { session, elsewhere } = await startTwoGateways([pausing(words(10), 5, gate().opened)])
  const stream = await session.chat("Go")
  const viewer = await elsewhere.subscribe({ afterSeq: 0 })
  const live = await viewer.until(({ event }) => event.type === "text_delta" && event.text === "w5 ")
  expect((await elsewhere.post("/chat", { message: "And?" })).status).toBe(409)
  await elsewhere.cancel()
  const frames = await stream.rest()
  expect(assemble(frames)).toMatchObject({ text: words(5).join(""), terminal: { reason: "cancelled" } })
  expect([...live, ...(await viewer.rest())]).toEqual(frames)
})

test("a cancel through the other process reaches a running tool", async () => {
  const { session, elsewhere, folder } = await startTwoGateways([calls("charge")])
  const stream = await session.chat("Go")
  await journaled(folder, "charge began")
  await elsewhere.cancel()
  await journaled(folder, "charge aborted")
  expect(assemble(await stream.rest()).terminal).toMatchObject({ reason: "cancelled" })
})

test("of two concurrent messages through two processes, one is accepted", async () => {
  const { session, elsewhere, model } = await startTwoGateways(() => pausing(["a", "b"], 1, gate().opened))
  const posts = [session, elsewhere, session, elsewhere].map((at) => at.post("/chat", { message: "Me!" }))
  const responses = await Promise.all(posts)
  expect(responses.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  await Promise.all(responses.map(({ body }) => body?.cancel()))
  expect(model.requests.length).toBeLessThanOrEqual(1)
})

test("when the process of a run is killed, the other one finishes it, and its viewers see it to the end", async () => {
  const { session, roles, model } = await startTwoGateways([
    pausing(words(10), 5, gate().opened),
    says("Taken ", "over."),
  ])
  const stream = await session.chat("Go")
  const { owner, other } = await roles()
  const survivor = session.at(other.url)
  const viewer = await survivor.subscribe({ afterSeq: 0 })
  const live = await viewer.until(({ event }) => event.type === "text_delta" && event.text === "w5 ")
  const begun = performance.now()
  await kill(owner)
  await stream.restOrBreak()
  const frames = [...live, ...(await viewer.rest())]
  console.info(`taken over and finished ${(performance.now() - begun).toFixed(0)} ms after the kill`)
  expect(ids(frames)).toEqual([...new Set(ids(frames))].sort((left, right) => left - right))
  expect(assemble(frames)).toMatchObject({
    text: "Taken over.",
    terminal: { terminal_disposition: "completed" },
  })
  expect(await (await survivor.subscribe({ afterSeq: 0 })).rest()).toEqual(frames)
  expect(model.requests).toHaveLength(2)
})
