import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { nativeWire } from "../../wires/native/fold/native-wire.ts"
import { createText, runCompleted } from "../fixtures/entries.ts"
import { FakeSessions } from "../fixtures/fake-sessions.ts"
import { parseFrames } from "../fixtures/frames.ts"
import { createCollectingLogger, type LoggedLine } from "../fixtures/test-app.ts"
import { createHeartbeat } from "./heartbeat.ts"
import { createRenderer } from "./render.ts"
import { EventStream } from "./stream-body.ts"

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
})
afterEach(() => {
  vi.useRealTimers()
})

function setup() {
  const sessions = new FakeSessions()
  const errors: LoggedLine[] = []
  const logger = createCollectingLogger(errors)
  const renderer = createRenderer(nativeWire, logger)
  const heartbeat = createHeartbeat(15_000, () => renderer.heartbeat(2000))
  const open = () =>
    new EventStream({
      opening: null,
      open: (signal) => sessions.viewTree("sess_1", { afterSeq: 0, signal }),
      viewer: renderer.viewer(0),
      heartbeat,
      isRevoked: async () => false,
      onEnd: () => {},
      logger,
    })
  return { sessions, errors, open }
}

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>

async function read(reader: Reader): Promise<unknown[]> {
  const { value } = await reader.read()
  return parseFrames(new TextDecoder().decode(value)).map(({ data }) => data.text ?? data.type)
}

/** Waits for one turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe("an event stream", () => {
  it("gives one piece a batch and ends with the view", async () => {
    const { sessions, open } = setup()
    const reader = open().getReader()
    sessions.publish(createText("a"), createText("b"))
    expect(await read(reader)).toEqual(["a", "b"])
    const waiting = read(reader)
    sessions.publish(createText("c"), runCompleted)
    expect(await waiting).toEqual(["c", "stream_complete"])
    expect((await reader.read()).done).toBe(true)
    expect(sessions.openViews).toBe(0)
  })

  it("opens no view before it is read", async () => {
    const { sessions, open } = setup()
    const stream = open()
    await turn()
    expect(sessions.views).toEqual([])
    await stream.cancel()
    expect(sessions.views).toEqual([])
  })

  it("takes nothing from the view for a reader that does not read", async () => {
    const { sessions, open } = setup()
    const reader = open().getReader()
    for (let index = 0; index < 1000; index++) sessions.publish(createText(String(index)))
    expect(await read(reader)).toEqual(["0"])
    await turn()
    vi.advanceTimersByTime(10 * 60_000)
    await turn()
    expect(sessions.taken).toBe(1)
    expect(await read(reader)).toEqual(["1"])
  })

  it("leaves the view when the client goes away while waiting", async () => {
    const { sessions, errors, open } = setup()
    const reader = open().getReader()
    const waiting = reader.read()
    await vi.waitUntil(() => sessions.openViews === 1)
    await reader.cancel()
    expect((await waiting).done).toBe(true)
    await vi.waitUntil(() => sessions.openViews === 0)
    expect(sessions.views[0]?.signal.aborted).toBe(true)
    expect(errors).toEqual([])
  })

  it("leaves the view when the client goes away between two batches", async () => {
    const { sessions, open } = setup()
    const reader = open().getReader()
    sessions.publish(createText("a"))
    await read(reader)
    expect(sessions.openViews).toBe(1)
    await reader.cancel()
    expect(sessions.openViews).toBe(0)
  })

  it("fails when the view fails, and logs why", async () => {
    const { sessions, errors, open } = setup()
    const reader = open().getReader()
    sessions.publish(createText("a"))
    expect(await read(reader)).toEqual(["a"])
    const failure = new Error("store gone")
    sessions.failViews(failure)
    await expect(reader.read()).rejects.toThrow("an error in the server")
    expect(errors).toEqual([{ message: expect.any(String), fields: { error: failure } }])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(["shutdown", "lapsed", "gone"] as const)(
    "fails without an error in the log if the view ends as %s",
    async (type) => {
      const { sessions, errors, open } = setup()
      const reader = open().getReader()
      sessions.publish(createText("a"))
      expect(await read(reader)).toEqual(["a"])
      sessions.end({ type })
      await expect(reader.read()).rejects.toThrow(type)
      expect(errors).toEqual([])
      expect(vi.getTimerCount()).toBe(0)
    },
  )
})

describe("heartbeats", () => {
  it("come every interval while nothing happens, and the stream goes on after them", async () => {
    const { sessions, open } = setup()
    const reader = open().getReader()
    for (let beat = 0; beat < 3; beat++) {
      const waiting = reader.read()
      await vi.waitUntil(() => sessions.openViews === 1)
      vi.advanceTimersByTime(15_000)
      expect(new TextDecoder().decode((await waiting).value)).toBe(
        'data: {"type":"heartbeat","timestamp":2}\n\n',
      )
    }
    sessions.publish(createText("a"))
    expect(await read(reader)).toEqual(["a"])
  })

  it("share one timer, which stops with the last stream", async () => {
    const { sessions, open } = setup()
    expect(vi.getTimerCount()).toBe(0)
    const readers = Array.from({ length: 50 }, () => open().getReader())
    const waiting = readers.map((reader) => reader.read())
    await vi.waitUntil(() => sessions.openViews === 50)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(15_000)
    const pieces = (await Promise.all(waiting)).map(({ value }) => value)
    expect(pieces.map((piece) => new TextDecoder().decode(piece))).toEqual(
      Array(50).fill('data: {"type":"heartbeat","timestamp":2}\n\n'),
    )
    for (const reader of readers.slice(1)) await reader.cancel()
    expect(vi.getTimerCount()).toBe(1)
    await readers[0]?.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })

  it("do not pile up for a reader that does not read", async () => {
    const { sessions, open } = setup()
    const reader = open().getReader()
    const first = reader.read()
    await vi.waitUntil(() => sessions.openViews === 1)
    vi.advanceTimersByTime(24 * 60 * 60_000)
    expect(new TextDecoder().decode((await first).value)).toContain("heartbeat")
    sessions.publish(createText("a"))
    expect(await read(reader)).toEqual(["heartbeat"])
    expect(await read(reader)).toEqual(["a"])
  })
})
