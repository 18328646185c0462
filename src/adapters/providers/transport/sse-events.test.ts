import { afterEach, expect, test } from "vitest"
import { countTurns } from "../../../core/fixtures/count-turns.ts"
import {
  type ScriptedUpstream,
  startScriptedUpstream,
  type UpstreamReply,
} from "../../../testing/provider/scripted-upstream.ts"
import type { BodyReader } from "./body-reader.ts"
import { readSseBatches, type SseEvent } from "./sse-events.ts"

const upstreams: ScriptedUpstream[] = []

afterEach(async () => {
  await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()))
})

async function respond(reply: UpstreamReply, signal?: AbortSignal) {
  const upstream = await startScriptedUpstream([reply])
  upstreams.push(upstream)
  const response = await fetch(upstream.url, { method: "POST", signal: signal ?? null })
  if (response.body === null) throw new Error("The response has no body.")
  return { reader: response.body.getReader(), outcome: () => upstream.requests[0]?.outcome }
}

/** Returns the reader of a body without a server. Each chunk is one read. */
function stream(...chunks: readonly (string | Uint8Array)[]): BodyReader {
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk))
      controller.close()
    },
  })
  return body.getReader()
}

async function batchesOf(
  reader: BodyReader,
  isOver = () => false,
): Promise<readonly (readonly SseEvent[])[]> {
  const batches: (readonly SseEvent[])[] = []
  for await (const batch of readSseBatches(reader, isOver)) batches.push(batch)
  return batches
}

const data = (...texts: readonly string[]) => texts.map((text) => ({ event: null, data: text }))
const never = new Promise(() => {})

test("the events that one read completes are one batch, and a read that completes none is an empty batch", async () => {
  const chunks = ["data: a\n\ndata: b\n\ndata: ", "c", "\n\n", ": waiting\n\n"]
  expect(await batchesOf(stream(...chunks))).toEqual([data("a", "b"), [], data("c"), []])
})

test("an event has its name and all its lines, with any line end", async () => {
  const event = "event: delta\r\ndata: one\r\ndata: two\r\nid: 7\r\n\r\n"
  expect(await batchesOf(stream(event))).toEqual([[{ event: "delta", data: "one\ntwo" }]])
})

test("a character that is divided between reads is joined, and so is a divided line end", async () => {
  const bytes = Buffer.from("data: 🙂\r\n\r\ndata: b\r\n\r\n")
  for (let cut = 1; cut < bytes.length; cut++) {
    const batches = await batchesOf(stream(bytes.subarray(0, cut), bytes.subarray(cut)))
    expect(batches.flat()).toEqual(data("🙂", "b"))
  }
})

test("an event that the end of the body truncates is discarded", async () => {
  expect((await batchesOf(stream("data: a\n\ndata: b\n"))).flat()).toEqual(data("a"))
})

test("an endless event is refused at 16 Mi characters, and its request is closed", async () => {
  const steps = Array.from({ length: 18 }, () => "x".repeat(1024 * 1024))
  const { reader, outcome } = await respond({ steps: ["data: ", ...steps, { type: "wait", until: never }] })
  await expect(batchesOf(reader)).rejects.toThrow("exceeded max buffer size")
  expect(await outcome()).toBe("disconnected")
})

test("a body without an end is refused at 64 MiB", async () => {
  const chunk = `: ${"x".repeat(1024 * 1024)}\n\n`
  await expect(batchesOf(stream(...Array.from({ length: 65 }, () => chunk)))).rejects.toThrow("longer than")
})

test("a reader that stops closes the request", async () => {
  const { reader, outcome } = await respond({ steps: ["data: a\n\n", { type: "wait", until: never }] })
  for await (const _ of readSseBatches(reader, () => false)) break
  expect(await outcome()).toBe("disconnected")
})

test("a reader that stops after the last event lets the response end, and waits only briefly for it", async () => {
  const end = Promise.withResolvers<void>()
  const ends = await respond({ steps: ["data: a\n\n", { type: "wait", until: end.promise }] })
  const hangs = await respond({ steps: ["data: a\n\n", { type: "wait", until: never }] })
  for await (const _ of readSseBatches(ends.reader, () => true)) {
    end.resolve()
    break
  }
  expect(await ends.outcome()).toBe("answered")
  for await (const _ of readSseBatches(hangs.reader, () => true)) break
  expect(await hangs.outcome()).toBe("disconnected")
})

test("an abort throws fetch's error at once", async () => {
  const controller = new AbortController()
  const { reader } = await respond(
    { steps: ["data: a\n\n", { type: "wait", until: never }] },
    controller.signal,
  )
  const batches = readSseBatches(reader, () => false)
  expect((await batches.next()).value).toEqual(data("a"))
  const next = batches.next()
  controller.abort()
  await expect(next).rejects.toThrow("aborted")
})

test("a broken connection throws fetch's error", async () => {
  const { reader } = await respond({ steps: ["data: a\n\n", { type: "cut" }] })
  await expect(batchesOf(reader)).rejects.toThrow("terminated")
})

test("the event loop continues after each part of a response that arrives at once", async () => {
  const chunk = 'data: {"text":"word"}\n\n'.repeat(3_000)
  const chunks = Array<string>(20).fill(chunk)
  const { result: batches, turns } = await countTurns(() => batchesOf(stream(...chunks)))
  expect(batches.flat()).toHaveLength(20 * 3_000)
  expect(Math.max(...batches.map(({ length }) => length))).toBeLessThan(200)
  expect(turns).toBeGreaterThanOrEqual(300)
})
