import { expect, test } from "vitest"
import type { UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { assemble, ids, types } from "./support/assemble.ts"
import { eventStream } from "./support/event-stream.ts"
import { startGateway } from "./support/gateway-process.ts"
import { peakBytes } from "./support/memory.ts"
import { answers, gate, pausing, says, startJoinableModel, startModel, words } from "./support/model.ts"
import { subscribeAndStall } from "./support/raw-viewer.ts"
import { startSession } from "./support/session-client.ts"
import { sharedGateway } from "./support/shared-gateway.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const serving = sharedGateway()

test("a viewer that disconnects does not end the run, and receives the missing frames after it reconnects", async () => {
  const { opened, open } = gate()
  const { session, model } = await serving([pausing(words(30), 10, opened)])
  const stream = await session.chat("Go")
  const before = await stream.until(({ event }) => event.type === "text_delta" && event.text === "w5 ")
  await stream.close()
  const back = await session.subscribe({ afterSeq: ids(before).at(-1) ?? 0 })
  const meanwhile = await back.until(({ event }) => event.type === "text_delta" && event.text === "w10 ")
  open()
  const frames = [...before, ...meanwhile, ...(await back.rest())]
  expect(assemble(frames)).toMatchObject({
    text: words(30).join(""),
    terminal: { terminal_disposition: "completed" },
  })
  expect(await (await session.subscribe({ afterSeq: 0 })).rest()).toEqual(frames)
  expect(model.requests).toHaveLength(1)
})

test("a run without viewers continues to its end", async () => {
  const { opened, open } = gate()
  const { session, model } = await serving([pausing(words(10), 5, opened)])
  const stream = await session.chat("Go")
  await stream.next()
  await stream.close()
  open()
  expect(await model.requests[0]?.outcome).toBe("answered")
  const frames = await (await session.subscribe({ afterSeq: 0 })).rest()
  expect(assemble(frames).text).toBe(words(10).join(""))
})

test("the larger one of two cursors counts", async () => {
  const { session } = await serving([says(...words(10))])
  const seen = ids(await (await session.chat("Go")).rest())
  const [low = 0, high = 0] = [seen[2], seen[6]]
  for (const from of [
    { afterSeq: low, lastEventId: high },
    { afterSeq: high, lastEventId: low },
  ]) {
    expect(ids(await (await session.subscribe(from)).rest())).toEqual(seen.slice(7))
  }
})

test("a subscriber of an idle session ends at once, and one of a busy session sees run after run", async () => {
  const { opened, open } = gate()
  const { session } = await serving([pausing(["a", "b"], 1, opened), says("c")])
  expect((await session.request("/chat/subscribe")).status).toBe(204)
  const first = await session.chat("1")
  await first.next()
  open()
  await first.rest()
  await (await session.chat("2")).rest()
  const both = await (await session.subscribe({ afterSeq: 0 })).rest()
  expect(types(both)).toEqual([
    ...["text_delta", "text_delta", "turn_complete", "stream_complete"],
    ...["text_delta", "turn_complete", "stream_complete"],
  ])
})

test("viewers that never read use a bounded amount of memory, delay no one, and can continue to read", async () => {
  // 48 calls whose results have a megabyte each. That is more than the heap could hold for slow viewers.
  const step = answers(Array.from({ length: 16 }, () => ({ type: "toolCall", name: "chatter" })))
  const run = [...Array<UpstreamReply>(3).fill(step), says("Done.")]
  const gateway = await startGateway({
    folder: await temporaryFolder(),
    model: await startModel(run),
    env: { NODE_OPTIONS: "--max-old-space-size=64 --max-semi-space-size=8" },
  })
  const session = await startSession(gateway.url)
  const before = await peakBytes(gateway.pid)
  const stream = await session.chat("Talk")
  const stalled = await Promise.all(
    Array.from({ length: 5 }, () => subscribeAndStall(gateway.url, { token: session.token, afterSeq: 0 })),
  )
  const frames = await stream.rest()
  expect(assemble(frames)).toMatchObject({ text: "Done.", terminal: { terminal_disposition: "completed" } })
  expect(frames.length).toBeGreaterThan(12_000)
  const grown = ((await peakBytes(gateway.pid)) - before) / 1e6
  console.info(`memory grew by ${grown.toFixed(0)} MB while five viewers did not read 48 MB each`)
  // If the gateway kept the text outside the heap for these viewers, it would be another 240 MB.
  expect(grown).toBeLessThan(150)

  const [viewer] = stalled
  const rest = ids(await eventStream((await viewer?.rest()) ?? new Response()).rest())
  expect(rest, `the gateway said: ${gateway.stderr()}`).toEqual(ids(frames))
})

test("a response that arrives faster than it is stored is stored and shown completely", async () => {
  const pieces = Array.from({ length: 1_000 }, (_, index) => `${index}`.padEnd(10_000, "x"))
  const { session } = await serving([says(...pieces)])
  const frames = await (await session.chat("Talk")).rest()
  expect(assemble(frames)).toMatchObject({
    text: pieces.join(""),
    terminal: { terminal_disposition: "completed" },
  })
  expect(ids(await (await session.subscribe({ afterSeq: 0 })).rest())).toEqual(ids(frames))
})

test("text in chunks that arrive together is one event, and nothing of it is lost or held back", async () => {
  const { opened, open } = gate()
  const model = await startJoinableModel([pausing(words(200), 199, opened)])
  const gateway = await startGateway({ folder: await temporaryFolder(), model })
  const stream = await (await startSession(gateway.url)).chat("Go")
  // The model pauses after this word.
  const begun = await stream.until(({ event }) => event.type === "text_delta" && event.text.endsWith("w199 "))
  open()
  const frames = [...begun, ...(await stream.rest())]
  expect(assemble(frames).text).toBe(words(200).join(""))
  expect(types(frames).filter((type) => type === "text_delta").length).toBeLessThan(100)
})

test("hundreds of short-lived viewers leave nothing behind", async () => {
  const { opened, open } = gate()
  const { session } = await serving([pausing(words(20), 10, opened)])
  const stream = await session.chat("Go")
  for (let round = 0; round < 5; round++) {
    const viewers = await Promise.all(Array.from({ length: 40 }, () => session.subscribe({ afterSeq: 0 })))
    await Promise.all(viewers.map((viewer) => viewer.next()))
    await Promise.all(viewers.map((viewer) => viewer.close()))
  }
  open()
  expect(assemble(await stream.rest()).text).toBe(words(20).join(""))
})
