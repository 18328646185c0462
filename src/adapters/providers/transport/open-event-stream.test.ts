import { once } from "node:events"
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http"
import Anthropic from "@anthropic-ai/sdk"
import { afterEach, describe, expect, it } from "vitest"
import { type CallRecord, maxRecordedBytes } from "../../../core/ports/model/call-record.ts"
import type { BodyReader } from "./body-reader.ts"
import { createEndpoint, type Endpoint } from "./endpoint.ts"
import { openEventStream, type StreamCall } from "./open-event-stream.ts"

const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
})

/** Returns the endpoint of a server. */
async function serve(listener: RequestListener): Promise<Endpoint> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The server has no port.")
  return endpointAt(`http://127.0.0.1:${address.port}`)
}

function endpointAt(address: string): Promise<Endpoint> {
  const buildRequest = async ({ path }: { readonly path: string }) => ({
    url: address + path,
    req: { headers: new Headers() },
  })
  return createEndpoint({ buildRequest }, "/path?query=1", { fromSdk: /^accept$/, own: { "X-Key": "k" } })
}

function open(endpoint: Endpoint, call: Partial<StreamCall> = {}) {
  const { signal } = new AbortController()
  return openEventStream(endpoint, { content: {}, signal, ...call }, Anthropic)
}

async function readNext(reader: BodyReader): Promise<string> {
  return Buffer.from((await reader.read()).value ?? []).toString()
}

const head = { "content-type": "text/event-stream; charset=utf-8" }

describe("a call", () => {
  it("is sent with the endpoint's headers, its length and its trace", async () => {
    const endpoint = await serve(async (request, response) => {
      const { method, url, headers } = request
      let body = ""
      for await (const chunk of request) body += chunk
      response.writeHead(200, head).end(JSON.stringify({ method, url, headers, body }))
    })
    const { reader } = await open(endpoint, { content: ["Grüße"], traceparent: "00-trace-01" })
    expect(JSON.parse(await readNext(reader))).toMatchObject({
      method: "POST",
      url: "/path?query=1",
      headers: {
        "x-key": "k",
        "content-length": "11",
        "accept-encoding": "identity",
        traceparent: "00-trace-01",
      },
      body: '["Grüße"]',
    })
  })

  it("is recorded without credentials and without the query", async () => {
    const endpoint = await serve((_, response) => {
      response.writeHead(200, { ...head, "request-id": "r1", "set-cookie": "c=1" }).end("x".repeat(20_000))
    })
    const request = { form: "gateway", url: null, headers: {}, body: null } as const
    const record: CallRecord = { request, response: null }
    const content = { model: "m" }
    const { reader } = await open(endpoint, { content, traceparent: "00-trace-01", record })
    while (!(await reader.read()).done);
    const { protocol, hostname, port } = endpoint.address
    expect(record.request).toEqual({
      form: "http",
      url: `${protocol}//${hostname}:${port}/path`,
      headers: { traceparent: "00-trace-01" },
      body: content,
    })
    const { status, headers, chunks } = record.response ?? { chunks: [] }
    expect(status).toBe(200)
    expect(headers).toMatchObject({ "request-id": "r1", "content-type": head["content-type"] })
    expect(Object.keys(headers ?? {})).not.toContain("set-cookie")
    expect(Buffer.concat(chunks)).toEqual(Buffer.alloc(maxRecordedBytes, "x"))
  })

  it("is sent in pieces if it is large", async () => {
    const endpoint = await serve(async (request, response) => {
      let length = 0
      for await (const chunk of request) length += chunk.length
      response.writeHead(200, head).end(JSON.stringify({ named: request.headers["content-length"], length }))
    })
    const content = Array.from({ length: 40 }, () => "x".repeat(250_000))
    const { reader } = await open(endpoint, { content })
    expect(JSON.parse(await readNext(reader))).toEqual({ named: "10000121", length: 10_000_121 })
  })

  it("ends when it is aborted while the server does not read the pieces", async () => {
    const arrived = Promise.withResolvers<IncomingMessage>()
    const endpoint = await serve((request) => arrived.resolve(request.pause()))
    const aborting = new AbortController()
    const content = Array.from({ length: 40 }, () => "x".repeat(250_000))
    const opening = open(endpoint, { content, signal: aborting.signal })
    const request = await arrived.promise
    aborting.abort(new Error("Enough."))
    await expect(opening).rejects.toThrow("Enough.")
    const closed = Promise.withResolvers<void>()
    request.on("error", () => {}).on("close", closed.resolve)
    request.resume()
    await closed.promise
    expect(request.complete).toBe(false)
  })

  it("fails if no server listens", async () => {
    await expect(open(await endpointAt("http://127.0.0.1:9"))).rejects.toMatchObject({
      name: "UnreachableError",
      cause: { code: "ECONNREFUSED" },
    })
  })

  it("fails if the response does not start in time", async () => {
    const endpoint = await serve(() => {})
    await expect(open(endpoint, { timeoutMs: 20 })).rejects.toMatchObject({ name: "NoResponseError" })
  })

  it("ends with the signal's reason, before it is sent and before the response", async () => {
    const arrived = Promise.withResolvers<void>()
    const endpoint = await serve(() => arrived.resolve())
    const reason = new Error("Enough.")
    await expect(open(endpoint, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const silent = new AbortController()
    const waiting = open(endpoint, { signal: silent.signal })
    await arrived.promise
    silent.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})

describe("a response that is not an event stream", () => {
  it("is the SDK's error with its body and its headers, if it reports an error", async () => {
    const endpoint = await serve((_, response) => {
      response.writeHead(429, "Slow down", { ...head, "retry-after": "2", "x-list": ["a", "b"] })
      response.end('{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}')
    })
    const error = await open(endpoint).catch((thrown: unknown) => thrown)
    if (!(error instanceof Anthropic.APIError)) throw new Error("The error is not one of the SDK.")
    expect([error.status, error.type, error.apiMessage]).toEqual([429, "rate_limit_error", "Slow down."])
    expect(error.headers?.get("retry-after")).toBe("2")
    expect(error.headers?.get("x-list")).toBe("a, b")
  })

  it.each([
    ["Sorry", "500 Sorry"],
    ['"Sorry"', '500 "Sorry"'],
    ["", "500 status code (no body)"],
  ])("is an error with the text %j", async (text, message) => {
    const endpoint = await serve((_, response) => response.writeHead(500).end(text))
    await expect(open(endpoint)).rejects.toMatchObject({ status: 500, message })
  })

  it("is an error even if the connection breaks within its body", async () => {
    const endpoint = await serve((_, response) => {
      response.writeHead(503).write("Half", () => response.destroy())
    })
    await expect(open(endpoint)).rejects.toMatchObject({ status: 503 })
  })

  it("is truncated if the body of an error is endless, and its connection is closed", async () => {
    const closed = Promise.withResolvers<void>()
    const megabyte = Buffer.alloc(1024 * 1024, "x")
    const endpoint = await serve(async (_, response) => {
      response.on("close", closed.resolve)
      response.writeHead(500)
      while (!response.destroyed) if (!response.write(megabyte)) await once(response, "drain").catch(() => {})
    })
    const error = await open(endpoint).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status: 500 })
    expect(String(error).length).toBeLessThan(megabyte.length + 100)
    await closed.promise
  })

  it.each([
    [204, "NotAStreamError"],
    [304, "Error"],
    [307, "Error"],
    [999, "Error"],
  ])("is refused with the status %i, and no redirect is followed", async (status, name) => {
    const paths: (string | undefined)[] = []
    const endpoint = await serve(({ url }, response) => {
      paths.push(url)
      response.writeHead(status, { location: "/elsewhere" }).end()
    })
    const error = await open(endpoint).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject(status === 204 ? { name } : { status })
    expect(paths).toEqual(["/path?query=1"])
  })

  it.each([
    ["text/html", "<p>No.</p>", "The response is not an event stream; its content type is “text/html”."],
    ["text/plain", "No such path.", "It says: No such path."],
    ["application/problem+json", '{"detail":"No such path."}', "No such path."],
  ])("is refused with the content type %s, and its request is closed", async (type, text, message) => {
    const closed = Promise.withResolvers<void>()
    const endpoint = await serve((_, response) => {
      response.on("close", closed.resolve)
      response.writeHead(200, { "content-type": type }).write(text.padEnd(100_000))
    })
    await expect(open(endpoint)).rejects.toThrow(message)
    await closed.promise
  })

  it("leaves the connection open for the next call", async () => {
    const ports: (number | undefined)[] = []
    const endpoint = await serve(({ socket }, response) => {
      ports.push(socket.remotePort)
      response.writeHead(400).end("No.")
    })
    for (let call = 0; call < 2; call++) await expect(open(endpoint)).rejects.toThrow("400 No.")
    expect(ports[1]).toBe(ports[0])
  })
})

describe("an event stream", () => {
  it("has headers and is read to its end, and then serves the next call by the same connection", async () => {
    const ports: (number | undefined)[] = []
    const endpoint = await serve(({ socket }, response) => {
      ports.push(socket.remotePort)
      response.writeHead(200, head).end("data: a\n\n")
    })
    for (let call = 0; call < 2; call++) {
      const { reader, headers } = await open(endpoint)
      expect(headers().get("content-type")).toBe(head["content-type"])
      expect(await readNext(reader)).toBe("data: a\n\n")
      expect(await reader.read()).toEqual({ done: true, value: undefined })
    }
    expect(ports[1]).toBe(ports[0])
  })

  it("fails when the connection breaks, after what came before", async () => {
    const endpoint = await serve((_, response) => {
      response.writeHead(200, head).write("Half", () => response.destroy())
    })
    const { reader } = await open(endpoint)
    expect(await readNext(reader)).toBe("Half")
    await expect(reader.read()).rejects.toMatchObject({
      message: "terminated",
      cause: { code: "ECONNRESET" },
    })
  })

  it("fails when the signal aborts during a read", async () => {
    const endpoint = await serve((_, response) => response.writeHead(200, head).flushHeaders())
    const stopping = new AbortController()
    const reading = (await open(endpoint, { signal: stopping.signal })).reader.read()
    stopping.abort()
    await expect(reading).rejects.toThrow("terminated")
  })

  it("closes the connection when it is canceled, and ends a read that waits", async () => {
    const closed = Promise.withResolvers<void>()
    const endpoint = await serve((_, response) => {
      response.on("close", closed.resolve)
      response.writeHead(200, head).flushHeaders()
    })
    const { reader } = await open(endpoint)
    const reading = reader.read()
    await reader.cancel()
    await closed.promise
    expect(await reading).toEqual({ done: true, value: undefined })
  })

  it("closes the connection of an endless body when it is canceled, without a later error", async () => {
    const closed = Promise.withResolvers<void>()
    const endpoint = await serve((_, response) => {
      response.on("close", closed.resolve)
      response.writeHead(200, head)
      const more = () => response.write("x".repeat(100_000), more)
      more()
    })
    await (await open(endpoint)).reader.cancel()
    await closed.promise
  })

  it("is read no further than its reader reads", async () => {
    let sent = 0
    const endpoint = await serve(async (_, response) => {
      response.writeHead(200, head)
      while (!response.destroyed) {
        sent += 100_000
        if (!response.write("x".repeat(100_000))) await once(response, "drain").catch(() => {})
      }
    })
    const { reader } = await open(endpoint)
    await reader.read()
    let before = -1
    while (sent > before) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(50_000_000)
    await reader.cancel()
  })
})
