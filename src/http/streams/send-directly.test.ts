import { get, type IncomingHttpHeaders, type RequestOptions } from "node:http"
import { text } from "node:stream/consumers"
import { afterEach, describe, expect, it } from "vitest"
import { serve, type TestServer } from "../fixtures/serve.ts"
import { createTestApp } from "../fixtures/test-app.ts"
import { respondText } from "../respond.ts"
import { TextBody } from "../text-body.ts"

let server: TestServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

interface Received {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function request(url: string, options: RequestOptions = {}): Promise<Received> {
  const received = Promise.withResolvers<Received>()
  get(url, options, async (response) => {
    const body = await text(response)
    received.resolve({ status: response.statusCode, headers: response.headers, body })
  }).on("error", received.reject)
  return received.promise
}

const page = "“Grüße” 👋"
const app = createTestApp({
  corsOrigins: ["https://app.test"],
  addPages: (root) => {
    root.get("/page", (c) => {
      c.header("set-cookie", "a=1")
      c.header("set-cookie", "b=2", { append: true })
      return respondText(c, page, 201, { "content-type": "text/plain" })
    })
  },
})

describe.each([true, false])("a text on the gateway's own server: %s", (own) => {
  it("arrives with its length and all headers", async () => {
    server = await serve(app, { own })
    const { status, headers, body } = await request(`${server.url}/page`, {
      headers: { origin: "https://app.test" },
    })
    expect({ status, body }).toEqual({ status: 201, body: page })
    expect(headers).toMatchObject({
      "content-type": "text/plain",
      "content-length": String(Buffer.byteLength(page)),
      "set-cookie": ["a=1", "b=2"],
      "access-control-allow-origin": "https://app.test",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    })
    expect(headers["transfer-encoding"]).toBeUndefined()
  })

  it("is left out of the response to HEAD", async () => {
    server = await serve(app, { own })
    const { status, headers, body } = await request(`${server.url}/page`, { method: "HEAD" })
    expect({ status, body }).toEqual({ status: 201, body: "" })
    expect(headers).toMatchObject({ "content-type": "text/plain", "set-cookie": ["a=1", "b=2"] })
  })

  it("may be a problem", async () => {
    server = await serve(app, { own })
    const { status, headers, body } = await request(`${server.url}/api/nothing`)
    expect(status).toBe(404)
    expect(headers["content-type"]).toBe("application/problem+json")
    expect(JSON.parse(body)).toMatchObject({ code: "not_found" })
  })
})

describe("TextBody", () => {
  it("is a stream that any server can send", async () => {
    expect(await new Response(new TextBody(page)).text()).toBe(page)
  })
})
