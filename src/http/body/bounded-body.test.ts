import { connect } from "node:net"
import { describe, expect, it, onTestFinished } from "vitest"
import { serve } from "../fixtures/serve.ts"
import { createJsonRequest, createTestApp, readProblem } from "../fixtures/test-app.ts"

const megabyte = 1024 * 1024

function streamed(bytes: number): ReadableStream<Uint8Array> & { pulled: number } {
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (stream.pulled >= bytes) return controller.close()
      stream.pulled += 65_536
      controller.enqueue(new Uint8Array(65_536).fill(32))
    },
  }) as ReadableStream<Uint8Array> & { pulled: number }
  stream.pulled = 0
  return stream
}

describe("bodies", () => {
  it("refuses one of 10 MB without parsing it", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const body = JSON.stringify({ message: "x".repeat(10 * megabyte) })
    const response = await app.fetch("/api/chat", createJsonRequest(body, headers))
    expect(response.status).toBe(413)
    expect(await readProblem(response)).toMatchObject({ code: "body_too_large", status: 413 })
    expect(app.sessions.starts).toEqual([])
  })

  it("stops reading a body without a length soon after the limit", async () => {
    const app = createTestApp()
    const body = streamed(10 * megabyte)
    const headers = { "content-type": "application/json" }
    const response = await app.fetch("/api/chat/init", { method: "POST", headers, body, duplex: "half" })
    expect(response.status).toBe(413)
    expect(body.pulled).toBeLessThan(megabyte)
  })

  it("refuses a compressed body before reading it, and names what it accepts", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    for (const coding of ["gzip", "GZIP", "br", "zstd", "identity, deflate", "unknown"]) {
      for (const path of ["/api/chat", "/api/chat/cancel", "/api/chat/init"]) {
        const sent = { ...(path.endsWith("init") ? {} : headers), "content-encoding": coding }
        const response = await app.fetch(path, createJsonRequest({ message: "hi" }, sent))
        expect(response.status).toBe(415)
        expect(response.headers.get("accept-encoding")).toBe("identity")
        expect(await readProblem(response)).toMatchObject({ code: "unsupported_media_type" })
      }
    }
    const plain = { ...headers, "content-encoding": "identity" }
    expect((await app.fetch("/api/chat", createJsonRequest({ message: "hi" }, plain))).status).toBe(200)
    app.sessions.end()
  })

  it("does not trust a content-length that is too small", async () => {
    const app = createTestApp()
    const headers = { "content-type": "application/json", "content-length": "2" }
    const body = streamed(megabyte)
    const response = await app.fetch("/api/chat/init", { method: "POST", headers, body, duplex: "half" })
    expect(response.status).toBe(413)
  })

  it("refuses by a content-length that is too large before reading anything", async () => {
    const app = createTestApp()
    const headers = { "content-type": "application/json", "content-length": String(300 * 1024) }
    const body = streamed(megabyte)
    const response = await app.fetch("/api/chat/init", { method: "POST", headers, body, duplex: "half" })
    expect(response.status).toBe(413)
    expect(body.pulled).toBeLessThanOrEqual(65_536)
  })

  it("accepts larger bodies on /chat than elsewhere, with both limits configurable", async () => {
    const app = createTestApp({ limits: { chatBodyBytes: 300, bodyBytes: 100 } })
    const { headers } = await app.authorize()
    const large = { message: "x".repeat(150) }
    expect((await app.fetch("/api/chat/cancel", createJsonRequest(large, headers))).status).toBe(413)
    expect((await app.fetch("/api/chat", createJsonRequest(large, headers))).status).toBe(200)
    expect(
      (await app.fetch("/api/chat", createJsonRequest({ message: "x".repeat(300) }, headers))).status,
    ).toBe(413)
  })

  it("is not read at all without a token", async () => {
    const app = createTestApp()
    const body = streamed(megabyte)
    const headers = { "content-type": "application/json" }
    const response = await app.fetch("/api/chat", { method: "POST", headers, body, duplex: "half" })
    expect(response.status).toBe(401)
    expect(body.pulled).toBeLessThanOrEqual(65_536)
  })

  it("refuses deep nesting before parsing", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const deep = `{"message":"hi","context":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`
    const response = await app.fetch("/api/chat", createJsonRequest(deep, headers))
    expect(response.status).toBe(422)
    expect(await readProblem(response)).toMatchObject({ code: "nesting_too_deep" })
  })

  it.each(["{", "", "nonsense", '{"api_key":"k"}}'])("answers 400 to %j", async (body) => {
    const response = await createTestApp().fetch("/api/chat/init", createJsonRequest(body))
    expect(response.status).toBe(400)
    expect(await readProblem(response)).toMatchObject({ code: "malformed_json" })
  })

  it("answers 400 to bytes that are not UTF-8", async () => {
    const body = new Uint8Array([...new TextEncoder().encode('{"api_key":"'), 0xff, 0x22, 0x7d])
    const headers = { "content-type": "application/json" }
    const response = await createTestApp().fetch("/api/chat/init", { method: "POST", headers, body })
    expect(response.status).toBe(400)
    expect(await readProblem(response)).toMatchObject({ code: "malformed_json" })
  })

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "answers 415 to %s",
    async (type) => {
      const response = await createTestApp().fetch(
        "/api/chat/init",
        createJsonRequest({}, { "content-type": type }),
      )
      expect(response.status).toBe(415)
      expect(await readProblem(response)).toMatchObject({ code: "unsupported_media_type" })
    },
  )

  it("answers 415 without a content type", async () => {
    const body = new TextEncoder().encode('{"api_key":"k"}')
    const response = await createTestApp().fetch("/api/chat/init", { method: "POST", body })
    expect(response.status).toBe(415)
  })

  it("accepts a charset", async () => {
    const headers = { "content-type": "application/json; charset=utf-8" }
    expect(
      (await createTestApp().fetch("/api/chat/init", createJsonRequest({ api_key: "k" }, headers))).status,
    ).toBe(200)
  })

  it.each([null, [], "text", 1])("answers 422 to a body that is %j", async (body) => {
    const response = await createTestApp().fetch("/api/chat/init", createJsonRequest(JSON.stringify(body)))
    expect(response.status).toBe(422)
    const { code, errors } = await readProblem(response)
    expect(code).toBe("invalid_body")
    expect(errors).toEqual([{ path: "", message: expect.stringContaining("expected object") }])
  })

  it("refuses a content type before it reads the body", async () => {
    const app = createTestApp()
    for (const headers of [{ "content-type": "text/plain" }, { "content-length": "100000" }]) {
      const body = streamed(megabyte)
      const response = await app.fetch("/api/chat/init", { method: "POST", headers, body, duplex: "half" })
      expect(response.status).toBe(415)
      expect(body.pulled).toBeLessThanOrEqual(65_536)
    }
  })

  it("are small for init requests, because anyone can send them", async () => {
    const body = createJsonRequest({ api_key: "key", padding: "x".repeat(33_000) })
    expect((await createTestApp().fetch("/api/chat/init", body)).status).toBe(413)
  })
})

describe("bodies that arrive slowly", () => {
  /** Returns a body that sends its first part at once, and the rest when the test says so. */
  function slow(sent: string) {
    const rest = Promise.withResolvers<string>()
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode(sent))
        controller.enqueue(new TextEncoder().encode(await rest.promise))
        controller.close()
      },
    })
    return { request: { method: "POST", body, duplex: "half" } as const, finish: rest.resolve }
  }

  const begin = `{"message":"${"x".repeat(6_000)}`
  const whole = createJsonRequest(`${begin}"}`)

  it("count toward their user's share, and release it", async () => {
    // Eight bodies of the maximum size for one user.
    const app = createTestApp({ limits: { chatBodyBytes: 8_000, bodyBytes: 8_000 } })
    const { headers } = await app.authorize()
    const uploads = Array.from({ length: 12 }, () => slow(begin))
    const cancelling = uploads.map(({ request }) => app.fetch("/api/chat/cancel", { ...request, headers }))
    const refused = await Promise.race(cancelling)
    expect(await readProblem(refused)).toMatchObject({ status: 429, code: "rate_limited" })
    expect(refused.headers.get("retry-after")).toBe("1")

    const init = await app.fetch("/api/chat/init", createJsonRequest({ api_key: "another" }))
    const { session_token } = (await init.json()) as { session_token: string }
    const other = { ...headers, authorization: `Bearer ${session_token}` }
    expect((await app.fetch("/api/chat/cancel", { ...whole, headers: other })).status).toBe(422)

    for (const { finish } of uploads) finish('"}')
    await Promise.all(cancelling)
    expect((await app.fetch("/api/chat/cancel", { ...whole, headers })).status).toBe(422)
  })

  it("and never arrive completely are not an error of the gateway", async () => {
    const app = createTestApp()
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"api_'))
        controller.error(new Error("the client disconnected"))
      },
    })
    const headers = { "content-type": "application/json" }
    const response = await app.fetch("/api/chat/init", { method: "POST", headers, body, duplex: "half" })
    expect(await readProblem(response)).toMatchObject({ status: 400, code: "incomplete_body" })
    expect(app.errors).toEqual([])
  })

  it.each([true, false])(
    "and are aborted on a server leave no line in the log (its own: %s)",
    async (own) => {
      const arrived = Promise.withResolvers<{ readonly response: Promise<Response> | Response }>()
      const app = createTestApp()
      const server = await serve(
        {
          ...app,
          handle(request, bindings) {
            const response = app.handle(request, bindings)
            arrived.resolve({ response })
            return response
          },
        },
        { own },
      )
      onTestFinished(() => server.close())
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1")
      const type = "content-type: application/json\r\ncontent-length: 20000"
      socket.write(`POST /api/chat/init HTTP/1.1\r\nhost: localhost\r\n${type}\r\n\r\n{"api_key":`)
      const { response } = await arrived.promise
      socket.destroy()
      expect((await response).status).toBe(400)
      expect(app.errors).toEqual([])
    },
  )
})
