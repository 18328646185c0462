import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { nativeWire } from "../../wires/native/fold/native-wire.ts"
import { createText, runCompleted } from "../fixtures/entries.ts"
import { FakeSessions } from "../fixtures/fake-sessions.ts"
import { createCollectingLogger, type LoggedLine } from "../fixtures/test-app.ts"
import { createHeartbeat } from "./heartbeat.ts"
import { createRenderer } from "./render.ts"
import { writeEventStream } from "./write-stream.ts"

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
  // The response has no connection, so everything that is written stays in its buffer.
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  /** Resolves when the stream has ended. */
  const write = () =>
    new Promise<void>((resolve) => {
      writeEventStream(response, {
        opening: null,
        open: (signal) => sessions.viewTree("sess_1", { afterSeq: 0, signal }),
        viewer: renderer.viewer(0),
        heartbeat,
        isRevoked: async () => false,
        onEnd: resolve,
        logger,
      })
    })
  return { sessions, errors, response, write }
}

it("opens no view for a client that has gone", async () => {
  const { sessions, response, write } = setup()
  response.destroy()
  await write()
  expect(sessions.views).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

it("gives no heartbeats to a client that does not read, and takes nothing more for it", async () => {
  const { sessions, response, write } = setup()
  const written = write()
  sessions.publish(createText("x".repeat(100_000)))
  sessions.publish(createText("more"))
  await vi.waitUntil(() => response.writableNeedDrain)
  const held = response.writableLength
  vi.advanceTimersByTime(24 * 60 * 60_000)
  expect(response.writableLength).toBe(held)
  expect(sessions.taken).toBe(1)
  response.destroy()
  await written
  await vi.waitUntil(() => sessions.openViews === 0)
})

it("leaves nothing behind when the client goes while it is waited for", async () => {
  const { sessions, errors, response, write } = setup()
  const written = write()
  await vi.waitUntil(() => sessions.openViews === 1)
  expect(vi.getTimerCount()).toBe(1)
  response.destroy()
  await written
  await vi.waitUntil(() => sessions.openViews === 0)
  expect(vi.getTimerCount()).toBe(0)
  expect(errors).toEqual([])
})

it("has ended the response when the run has ended", async () => {
  const { sessions, response, write } = setup()
  sessions.publish(createText("a"), runCompleted)
  await write()
  expect(response.writableEnded).toBe(true)
})
