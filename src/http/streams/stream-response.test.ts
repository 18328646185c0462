import { once } from "node:events"
import { connect } from "node:net"
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { createText, runCompleted, stepStarted } from "../fixtures/entries.ts"
import { parseFrames, type ReadFrame, readFrames } from "../fixtures/frames.ts"
import { serve, type TestServer } from "../fixtures/serve.ts"
import { createJsonRequest, createTestApp, readProblem, type TestApp } from "../fixtures/test-app.ts"

const origin = "https://app.example.com"
const alphabet = Array.from("abcdefghijklmnopqrstuvwxyz")

/** A long time limit, because other processes may use the machine. */

/** Returns false for a heartbeat, which may come at any time. */
const isEvent = ({ id }: ReadFrame) => id !== null

/** The gateway writes streams in two ways. Clients must not see a difference. */
describe.each([
  ["of an app that is called", null],
  ["of an app that another server mounts", { own: false }],
  ["of the gateway's own server", { own: true }],
] as const)("an event stream %s", (_, served) => {
  let app: TestApp
  let server: TestServer | null
  let session: Awaited<ReturnType<TestApp["authorize"]>>
  beforeEach(async () => {
    app = createTestApp({ corsOrigins: [origin], heartbeatMs: 50, validApiKeys: ["key"] })
    server = served === null ? null : await serve(app, served)
    session = await app.authorize()
  })
  afterEach(async () => {
    await server?.close()
  })

  function call(path: string, init: RequestInit): Promise<Response> {
    return server === null ? app.fetch(path, init) : fetch(server.url + path, init)
  }

  function chat(headers: Record<string, string> = {}): Promise<Response> {
    return call("/api/chat", createJsonRequest({ message: "hi" }, { ...session.headers, ...headers }))
  }

  function subscribe(init: RequestInit = {}): Promise<Response> {
    app.sessions.change(session.sessionId, { lastSeq: 1 })
    return call("/api/chat/subscribe", { ...init, headers: session.headers })
  }

  it("has the same head", async () => {
    app.sessions.startOutcome = { status: "accepted", runId: "run_9", cursor: 7 }
    const response = await chat({ origin })
    app.sessions.end()
    expect(response.status).toBe(200)
    const ofTheConnection = new Set(["connection", "date", "keep-alive", "transfer-encoding"])
    const head = Array.from(response.headers).filter(([name]) => !ofTheConnection.has(name))
    expect(Object.fromEntries(head)).toEqual({
      "access-control-allow-origin": origin,
      "access-control-expose-headers":
        "x-run-id,x-cursor,x-should-retry,retry-after,ratelimit,ratelimit-policy",
      "cache-control": "no-cache, no-transform",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "content-type": "text/event-stream",
      "cross-origin-resource-policy": "same-origin",
      ratelimit: '"session";r=119;t=60',
      "ratelimit-policy": '"session";q=120;w=60',
      "referrer-policy": "no-referrer",
      vary: "Origin",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "x-cursor": "7",
      "x-run-id": "run_9",
    })
    expect((await readFrames(response)).filter(isEvent)).toEqual([])
  })

  it("is not given to pages of other origins", async () => {
    const response = await chat({ origin: "https://evil.example.com" })
    app.sessions.end()
    expect(response.headers.has("access-control-allow-origin")).toBe(false)
    expect(response.headers.get("vary")).toBe("Origin")
    await response.text()
  })

  it("begins before the first event", async () => {
    const response = await chat()
    expect(response.status).toBe(200)
    app.sessions.publish(createText("late"), runCompleted)
    expect((await readFrames(response)).map(({ data }) => data.type)).toContain("text_delta")
  })

  it("shows every event once, in order, and ends with the run", async () => {
    const response = await chat()
    app.sessions.publish(stepStarted, createText("a"))
    for (const letter of alphabet.slice(1)) app.sessions.publish(createText(letter))
    app.sessions.publish(runCompleted)
    const frames = (await readFrames(response)).filter(isEvent)
    expect(frames.map(({ data }) => data.text ?? data.type)).toEqual([...alphabet, "stream_complete"])
    expect(frames.map(({ id }) => Number(id))).toEqual(Array.from({ length: 27 }, (_, index) => index + 2))
    expect(app.sessions.openViews).toBe(0)
  })

  it("beats while nothing happens", async () => {
    const reader = (await subscribe()).body?.getReader()
    const [frame] = parseFrames(new TextDecoder().decode((await reader?.read())?.value))
    expect(frame).toEqual({ id: null, data: { type: "heartbeat", timestamp: 1_700_000_000 } })
    await reader?.cancel()
  })

  it("has no body and no view for a HEAD request", async () => {
    const response = await subscribe({ method: "HEAD" })
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/event-stream")
    expect(await response.text()).toBe("")
    expect(app.sessions.views).toEqual([])
  })

  it("is left when the client goes away, which cancels nothing", async () => {
    const reader = (await chat()).body?.getReader()
    app.sessions.publish(createText("a"))
    await reader?.read()
    await vi.waitUntil(() => app.sessions.openViews === 1)
    await reader?.cancel()
    await vi.waitUntil(() => app.sessions.openViews === 0)
    expect(app.sessions.cancels).toEqual([])
    expect(app.errors).toEqual([])
  })

  /** Reads a response to its error, after `interrupt` when it has shown the text `a`. */
  async function expectInterrupted(interrupt: () => void): Promise<void> {
    const response = await chat()
    const decoder = new TextDecoder()
    let text = ""
    const read = async () => {
      for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true })
    }
    const reading = expect(read()).rejects.toThrow(/terminated|interrupted/)
    app.sessions.publish(createText("a"))
    await vi.waitUntil(() => text.includes('"text":"a"'))
    interrupt()
    await reading
  }

  it.each(["shutdown", "lapsed", "gone"] as const)(
    "fails for its client if the view ends as %s",
    async (type) => {
      await expectInterrupted(() => app.sessions.end({ type }))
      expect(app.errors).toEqual([])
    },
  )

  it("fails for its client when the view fails, and the log says why", async () => {
    const failure = new Error("store gone")
    await expectInterrupted(() => app.sessions.failViews(failure))
    expect(app.errors).toEqual([{ message: expect.any(String), fields: { error: failure } }])
  })

  it("is a problem instead while nothing was sent", async () => {
    app.sessions.startOutcome = { status: "busy", runId: "run_7" }
    const response = await chat({ origin })
    expect(response.status).toBe(409)
    expect(response.headers.get("access-control-allow-origin")).toBe(origin)
    expect(await readProblem(response)).toMatchObject({ code: "run_active" })
    expect(app.sessions.views).toEqual([])
  })

  it("waits for a client that does not read, and loses nothing", async () => {
    const batches = 60
    const megabyte = "x".repeat(1_000_000)
    for (let batch = 0; batch < batches; batch++) app.sessions.publish(createText(megabyte))
    app.sessions.publish(runCompleted)
    app.sessions.startOutcome = { status: "accepted", runId: "run_1", cursor: 0 }
    const response = await chat()
    let before = -1
    await vi.waitUntil(
      () => {
        const stalled = app.sessions.taken === before
        before = app.sessions.taken
        return stalled
      },
      { interval: 200 },
    )
    // The operating system buffers some megabytes.
    expect(app.sessions.taken).toBeLessThan(batches / 2)
    expect((await response.text()).length).toBeGreaterThan(batches * megabyte.length)
    expect(app.sessions.taken).toBe(batches + 1)
  })
})

it("resets the connection of a client of HTTP/1.0, which takes its end for the end of the response", async () => {
  const app = createTestApp({ validApiKeys: ["key"] })
  const server = await serve(app, { own: true })
  onTestFinished(() => server.close())
  const { headers, sessionId } = await app.authorize()
  app.sessions.change(sessionId, { lastSeq: 1 })
  app.sessions.publish(createText("a"))
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1")
  socket.write(
    `GET /api/chat/subscribe HTTP/1.0\r\nHost: localhost\r\nAuthorization: ${headers.authorization}\r\n\r\n`,
  )
  let received = ""
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text
  })
  const failed = once(socket, "error")
  await vi.waitUntil(() => received.includes('"text":"a"'))
  app.sessions.end({ type: "shutdown" })
  expect(await failed).toMatchObject([{ code: "ECONNRESET" }])
})
