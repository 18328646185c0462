import { describe, expect, it } from "vitest"
import { createTestApp, jsonRequest, problemOf } from "../fixtures/test-app.ts"

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
    const response = await app.fetch("/api/chat", jsonRequest(body, headers))
    expect(response.status).toBe(413)
    expect(await problemOf(response)).toMatchObject({ code: "body_too_large", status: 413 })
    expect(app.sessions.starts).toEqual([])
  })

  it("stops reading one that comes without a length soon after the limit", async () => {
    const app = createTestApp()
    const body = streamed(10 * megabyte)
    const headers = { "content-type": "application/json" }
    const response = await app.fetch("/api/chat/init", { method: "POST", headers, body, duplex: "half" })
    expect(response.status).toBe(413)
    expect(body.pulled).toBeLessThan(megabyte)
  })

  it("does not believe a content-length that is too small", async () => {
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

  it("takes larger ones on /chat than elsewhere, both settable", async () => {
    const app = createTestApp({ limits: { chatBodyBytes: 300, bodyBytes: 100 } })
    const { headers } = await app.authorize()
    const large = { message: "x".repeat(150) }
    expect((await app.fetch("/api/chat/cancel", jsonRequest(large, headers))).status).toBe(413)
    expect((await app.fetch("/api/chat", jsonRequest(large, headers))).status).toBe(200)
    expect((await app.fetch("/api/chat", jsonRequest({ message: "x".repeat(300) }, headers))).status).toBe(
      413,
    )
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
    const response = await app.fetch("/api/chat", jsonRequest(deep, headers))
    expect(response.status).toBe(422)
    expect(await problemOf(response)).toMatchObject({ code: "nesting_too_deep" })
  })

  it.each(["{", "", "nonsense", '{"api_key":"k"}}'])("answers 400 to %j", async (body) => {
    const response = await createTestApp().fetch("/api/chat/init", jsonRequest(body))
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({ code: "malformed_json" })
  })

  it("answers 400 to bytes that are not UTF-8", async () => {
    const body = new Uint8Array([...new TextEncoder().encode('{"api_key":"'), 0xff, 0x22, 0x7d])
    const headers = { "content-type": "application/json" }
    const response = await createTestApp().fetch("/api/chat/init", { method: "POST", headers, body })
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({ code: "malformed_json" })
  })

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "answers 415 to %s",
    async (type) => {
      const response = await createTestApp().fetch(
        "/api/chat/init",
        jsonRequest({}, { "content-type": type }),
      )
      expect(response.status).toBe(415)
      expect(await problemOf(response)).toMatchObject({ code: "unsupported_media_type" })
    },
  )

  it("answers 415 to one without a content type", async () => {
    const body = new TextEncoder().encode('{"api_key":"k"}')
    const response = await createTestApp().fetch("/api/chat/init", { method: "POST", body })
    expect(response.status).toBe(415)
  })

  it("takes a charset", async () => {
    const headers = { "content-type": "application/json; charset=utf-8" }
    expect(
      (await createTestApp().fetch("/api/chat/init", jsonRequest({ api_key: "k" }, headers))).status,
    ).toBe(200)
  })

  it.each([null, [], "text", 1])("answers 422 to a body that is %j", async (body) => {
    const response = await createTestApp().fetch("/api/chat/init", jsonRequest(JSON.stringify(body)))
    expect(response.status).toBe(422)
    const { code, errors } = await problemOf(response)
    expect(code).toBe("invalid_body")
    expect(errors).toEqual([{ path: "", message: expect.stringContaining("expected object") }])
  })
})
