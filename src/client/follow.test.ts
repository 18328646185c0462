import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import type { ChatEvent } from "../core/wire/chat-event.ts"
import { connect } from "./chat.ts"
import { collect, completed, type FakeGatewayOptions, fakeGateway } from "./fixtures/fake-gateway.ts"

const heartbeat: ChatEvent = { type: "heartbeat", timestamp: 1 }
const minuteMs = 60_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp(intercept: FakeGatewayOptions["intercept"]) {
  const gateway = fakeGateway(intercept && { intercept })
  const chat = connect({ url: "https://gateway.test/api", token: () => "token", fetch: gateway.fetch })
  return { ...gateway, chat }
}

/** Returns a stream that is silent for a time before each event, and then ends. An event with an id has a cursor. */
function streamOf(
  pauseMs: number,
  ...events: readonly { readonly id?: number; readonly event: ChatEvent }[]
) {
  const frames = events.map(({ id, event }) => {
    return `${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(event)}\n\n`
  })
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const frame = frames.shift()
      if (frame === undefined) return controller.close()
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      controller.enqueue(new TextEncoder().encode(frame))
    },
  })
  return new Response(body, { headers: { "content-type": "text/event-stream", "x-run-id": "run_1" } })
}

describe("a proxy that cuts each connection after a heartbeat", () => {
  test.each([0, 15_000])(
    "is retried less and less often, and at last reported (%i ms apart)",
    async (pauseMs) => {
      const { chat, requests } = setUp(() => streamOf(pauseMs, { event: heartbeat }))
      const result = collect(chat.send("Go")).catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(minuteMs)
      expect(requests.length).toBeLessThan(13)
      await vi.advanceTimersByTimeAsync(30 * minuteMs)
      expect(await result).toMatchObject({ code: "stream_ended" })
      expect(requests).toHaveLength(21)
    },
  )

  test("is awaited if the connections last as long as a proxy's usual time limit", async () => {
    let connections = 0
    const beats = Array.from({ length: 4 }, () => ({ event: heartbeat }))
    const { chat, requests } = setUp(() => {
      connections++
      return connections === 60 ? streamOf(15_000, { id: 5, event: completed }) : streamOf(15_000, ...beats)
    })
    const events = collect(chat.send("Go"))
    await vi.advanceTimersByTimeAsync(80 * minuteMs)
    expect((await events).at(-1)).toMatchObject({ type: "stream_complete" })
    expect(requests).toHaveLength(60)
  })
})

describe("a stream of a session that ends", () => {
  test("is requested once more at once", async () => {
    const { chat, requests } = setUp((_, index) =>
      index === 0 ? streamOf(0, { id: 5, event: completed }) : new Response(null, { status: 204 }),
    )
    const startedAt = Date.now()
    expect(await collect(chat.subscribe())).toHaveLength(1)
    expect(requests).toHaveLength(2)
    expect(Date.now()).toBe(startedAt)
  })

  test.each([
    ["with new events", [{ type: "text_delta", text: "Hello" } as const, completed]],
    ["without any", [completed]],
  ])("is requested less and less often if it ends each time (%s)", async (_, events) => {
    let id = 0
    const { chat, requests } = setUp(() => streamOf(0, ...events.map((event) => ({ id: ++id, event }))))
    const result = collect(chat.subscribe()).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(minuteMs)
    expect(requests.length).toBeLessThan(13)
    await vi.advanceTimersByTimeAsync(30 * minuteMs)
    expect(await result).toMatchObject({ code: "stream_ended" })
  })
})

describe("a response of JSON", () => {
  const endless = (contentType: string, status: number) => {
    let sent = 0
    const chunk = new TextEncoder().encode(`"${"x".repeat(1024 * 1024 - 3)}",`)
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("[")),
      pull(controller) {
        sent += chunk.byteLength
        controller.enqueue(chunk)
      },
    })
    const response = new Response(body, { status, headers: { "content-type": contentType } })
    return { response, sent: () => sent }
  }

  test("that does not end is an error, and is not read on", async () => {
    const { response, sent } = endless("application/json", 200)
    const { chat } = setUp(() => response)
    await expect(chat.history()).rejects.toMatchObject({ code: "response_too_large", retryable: false })
    expect(sent()).toBeLessThan(140 * 1024 * 1024)
  })

  test("that does not end and is a problem is no problem of a gateway", async () => {
    const { response, sent } = endless("application/problem+json", 404)
    const { chat } = setUp(() => response)
    await expect(chat.history()).rejects.toMatchObject({ code: "unexpected_response" })
    expect(sent()).toBeLessThan(4 * 1024 * 1024)
  })
})
