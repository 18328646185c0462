import { expect, test } from "vitest"
import { patienceMs } from "../patience.ts"
import { assemble, ids, types } from "./support/assemble.ts"
import type { Frame } from "./support/event-stream.ts"
import { eventually } from "./support/eventually.ts"
import { kill, startGateway } from "./support/gateway-process.ts"
import { journal, journaled, release } from "./support/journal.ts"
import { answers, calls, gate, pausing, says, startModel, words } from "./support/model.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

async function serving(script: Parameters<typeof startModel>[0]) {
  const model = await startModel(script)
  const folder = await temporaryFolder()
  const gateway = await startGateway({ folder, model })
  const session = await startSession(gateway.url)
  const restarted = async () => session.at((await startGateway({ folder, model })).url)
  return { model, folder, gateway, session, restarted }
}

const end = ["turn_complete", "stream_complete"]
const completed = { type: "stream_complete", terminal_disposition: "completed" }

function terminals(frames: readonly Frame[]): readonly Frame[] {
  return frames.filter(({ event }) => event.type === "stream_complete" || event.type === "error")
}

function textOf({ event }: Frame): string | null {
  return event.type === "text_delta" ? event.text : null
}

test("a run that is killed during its text is resumed by the next start, once, with new ids", async () => {
  const { model, gateway, session, folder } = await serving([
    pausing(words(20), 10, gate().opened),
    says("A new ", "answer."),
  ])
  const stream = await session.chat("Go")
  const before = await stream.until((frame) => textOf(frame) === "w10 ")
  await kill(gateway)
  expect(await stream.restOrBreak()).toEqual([])

  const starting = performance.now()
  const next = await startGateway({ folder, model })
  expect((await fetch(`${next.url}/api/ready`)).status).toBe(200)
  const ready = performance.now()
  await eventually("the model's second call", () => (model.requests.length === 2 ? true : null))
  const resumed = performance.now() - ready
  console.info(
    `resumed ${resumed.toFixed(0)} ms after /ready, ${(ready - starting).toFixed(0)} ms after the start`,
  )
  // The run resumes without waiting for a heartbeat to expire. On a busy machine, a sweep may take seconds.
  expect(resumed).toBeLessThan(patienceMs)

  const after = await (await session.at(next.url).subscribe({ afterSeq: ids(before).at(-1) ?? 0 })).rest()
  expect(types(after)).toEqual([
    "stream_retry",
    "text_delta",
    "text_delta",
    "turn_complete",
    "stream_complete",
  ])
  expect(Math.min(...ids(after))).toBeGreaterThan(Math.max(...ids(before)))
  expect(assemble([...before, ...after])).toMatchObject({ text: "A new answer.", terminal: completed })
  const all = await (await session.at(next.url).subscribe({ afterSeq: 0 })).rest()
  expect(terminals(all)).toHaveLength(1)
  expect(assemble(all)).toMatchObject({ text: "A new answer.", terminal: completed })
  // The conversation contains nothing of the discarded response.
  expect(model.requests[1]?.body).toMatchObject({ messages: [{ role: "user" }] })
  expect((await session.at(next.url).history()).messages).toHaveLength(2)
})

test("an accepted run exists after the server is killed at its response's headers", async () => {
  const { gateway, session, restarted, model } = await serving(() => says("Here I am."))
  const stream = await session.chat("Are you there?", { "idempotency-key": "k" })
  await kill(gateway)
  await stream.restOrBreak()
  const next = await restarted()
  const again = await next.chat("Are you there?", { "idempotency-key": "k" })
  for (const name of ["x-run-id", "x-cursor"]) {
    expect(again.response.headers.get(name)).toBe(stream.response.headers.get(name))
  }
  const frames = await again.rest()
  expect(assemble(frames)).toMatchObject({ text: "Here I am.", terminal: completed })
  expect(terminals(await (await next.subscribe({ afterSeq: 0 })).rest())).toHaveLength(1)
  expect((await next.history()).messages).toHaveLength(2)
  expect(model.requests.length).toBeLessThanOrEqual(2)
})

test("a call with an effect is never executed twice: after a crash its outcome is unknown, and the model learns that", async () => {
  const { gateway, session, restarted, folder, model } = await serving([
    calls("charge"),
    says("I am not sure."),
  ])
  const stream = await session.chat("Charge me")
  const before = await stream.until(({ event }) => event.type === "tool_output_chunk")
  await journaled(folder, "charge began")
  await kill(gateway)
  await stream.restOrBreak()
  await release(folder)
  const next = await restarted()
  const after = await (await next.subscribe({ afterSeq: ids(before).at(-1) ?? 0 })).rest()
  expect(types(after)).toEqual(["tool_call_interrupted", "turn_complete", "text_delta", ...end])
  expect(after[0]?.event).toMatchObject({ tool_name: "charge", reason: "crashed", outcome: "unknown" })
  expect(await journal(folder)).toEqual([expect.stringMatching(/^charge began/)])
  const result = { type: "tool_result", tool_use_id: "toolu_0", is_error: true }
  expect(model.requests[1]?.body).toMatchObject({ messages: [{}, {}, { role: "user", content: [result] }] })
})

test.each(["look_up", "reserve"])(
  "%s, which may be repeated, is called again with the same key",
  async (name) => {
    const { gateway, session, restarted, folder } = await serving([calls(name), says("Done.")])
    const stream = await session.chat("Go")
    const before = await stream.until(({ event }) => event.type === "tool_output_chunk")
    await kill(gateway)
    await stream.restOrBreak()
    await release(folder)
    const next = await restarted()
    const after = await (await next.subscribe({ afterSeq: ids(before).at(-1) ?? 0 })).rest()
    expect(types(after)).toEqual([
      "tool_output_chunk",
      "tool_call_complete",
      "turn_complete",
      "text_delta",
      ...end,
    ])
    expect(after[1]?.event).toMatchObject({ result: "done", error: null })
    const lines = await journal(folder)
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(new RegExp(`^${name} began call_`))
    expect(lines[1]).toBe(lines[0])
    expect(lines[2]).toBe(`${name} ended`)
  },
)

test("of several calls of one message, only the one with an effect is not repeated", async () => {
  const three = ["charge", "look_up", "add"].map((name) => {
    return { type: "toolCall", id: name, name, input: name === "add" ? { a: 1, b: 2 } : {} } as const
  })
  const { gateway, session, restarted, folder } = await serving([answers(three), says("Done.")])
  const stream = await session.chat("Go")
  const before = await stream.until(({ event }) => event.type === "tool_call_complete")
  await journaled(folder, "charge began")
  await journaled(folder, "look_up began")
  await kill(gateway)
  await stream.restOrBreak()
  await release(folder)
  const all = await (await (await restarted()).subscribe({ afterSeq: 0 })).rest()
  const settled = all.flatMap(({ event }) =>
    event.type === "tool_call_complete" || event.type === "tool_call_interrupted"
      ? [`${event.tool_name}: ${event.type}`]
      : [],
  )
  expect(settled.sort()).toEqual([
    "add: tool_call_complete",
    "charge: tool_call_interrupted",
    "look_up: tool_call_complete",
  ])
  expect(before.at(-1)?.event).toMatchObject({ tool_name: "add" })
  expect((await journal(folder)).filter((line) => line.startsWith("charge"))).toHaveLength(1)
  expect(assemble(all)).toMatchObject({ text: "Done.", terminal: completed })
})

test("a run that is killed repeatedly still ends once, with every id used once", async () => {
  const crashes = 4
  const model = await startModel((_request) =>
    model.requests.length <= crashes ? pausing(words(20), 10, gate().opened) : says("Survived."),
  )
  const folder = await temporaryFolder()
  let gateway = await startGateway({ folder, model })
  const session = await startSession(gateway.url)
  await (await session.chat("Go")).close()
  const seen: Frame[] = []
  for (let crash = 1; crash <= crashes; crash++) {
    const viewer = await session.at(gateway.url).subscribe({ afterSeq: ids(seen).at(-1) ?? 0 })
    seen.push(...(await viewer.until((frame) => textOf(frame) === "w10 ")))
    await kill(gateway)
    seen.push(...(await viewer.restOrBreak()))
    gateway = await startGateway({ folder, model })
  }
  const last = await session.at(gateway.url).subscribe({ afterSeq: ids(seen).at(-1) ?? 0 })
  seen.push(...(await last.rest()))
  expect(ids(seen)).toEqual([...new Set(ids(seen))].sort((left, right) => left - right))
  expect(terminals(seen)).toHaveLength(1)
  expect(assemble(seen)).toMatchObject({ text: "Survived.", terminal: completed })
  expect((await session.at(gateway.url).history()).messages).toHaveLength(2)
})

test("a run that ends its server every time is given up", async () => {
  const model = await startModel(() => pausing(words(2), 1, gate().opened))
  const folder = await temporaryFolder()
  let gateway = await startGateway({ folder, model })
  const session = await startSession(gateway.url)
  await (await session.chat("Go")).close()
  let cursor = 0
  for (let crash = 1; crash <= 7; crash++) {
    const viewer = await session.at(gateway.url).subscribe({ afterSeq: cursor })
    const frames = await viewer.until((frame) => textOf(frame) !== null || terminals([frame]).length > 0)
    cursor = ids(frames).at(-1) ?? cursor
    if (terminals(frames).length > 0) {
      expect(frames.at(-1)?.event).toMatchObject({ type: "error", code: "crashed_repeatedly" })
      return
    }
    await kill(gateway)
    await viewer.restOrBreak()
    gateway = await startGateway({ folder, model })
  }
  throw new Error("The run was never given up.")
})

test("a cancel that was acknowledged takes precedence over a crash right after it", async () => {
  const { gateway, session, restarted } = await serving([
    pausing(words(4), 2, gate().opened),
    says("Not this."),
  ])
  const stream = await session.chat("Go")
  await stream.next()
  await session.cancel()
  await kill(gateway)
  await stream.restOrBreak()
  const next = await restarted()
  await eventually("the end of the run", async () =>
    (await next.history()).active_run === null ? true : null,
  )
  const frames = await (await next.subscribe({ afterSeq: 0 })).rest()
  expect(terminals(frames)).toHaveLength(1)
  expect(frames.at(-1)?.event).toMatchObject({ terminal_disposition: "interrupted", reason: "cancelled" })
})
