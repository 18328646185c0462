import { once } from "node:events"
import { createServer, type RequestListener, type Server } from "node:http"
import { afterEach, describe, expect, it } from "vitest"
import { EventStreamResponse, fetchDirectly } from "./direct-fetch.ts"

const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The server has no port.")
  return `http://127.0.0.1:${address.port}/path?query=1`
}

describe("a direct request", () => {
  it("sends method, headers and text, and returns the response's head and body", async () => {
    const url = await serve(async (request, response) => {
      const { method, headers } = request
      let body = ""
      for await (const chunk of request) body += chunk
      response.writeHead(429, "Slow down", { "retry-after": "2", "x-list": ["a", "b"] })
      response.end(JSON.stringify({ method, url: request.url, headers, body }))
    })
    const answer = await fetchDirectly(url, { method: "POST", headers: { "X-Key": "k" }, body: "Grüße" })
    expect([answer.status, answer.statusText, answer.ok]).toEqual([429, "Slow down", false])
    expect(answer.headers.get("retry-after")).toBe("2")
    expect(answer.headers.get("x-list")).toBe("a, b")
    expect(await answer.json()).toMatchObject({
      method: "POST",
      url: "/path?query=1",
      headers: { "x-key": "k", "content-length": "7", "accept-encoding": "identity" },
      body: "Grüße",
    })
  })

  it("sends a stream of bytes as it comes, with the length that was named", async () => {
    const url = await serve(async (request, response) => {
      let length = 0
      for await (const chunk of request) length += chunk.length
      response.end(JSON.stringify({ named: request.headers["content-length"], length }))
    })
    const pieces = Array.from({ length: 40 }, () => Buffer.alloc(250_000, "x"))
    const answer = await fetchDirectly(url, {
      method: "POST",
      headers: { "content-length": "10000000" },
      body: ReadableStream.from(pieces),
    })
    expect(await answer.json()).toEqual({ named: "10000000", length: 10_000_000 })
  })

  it("stops reading a stream of bytes when it is aborted while the server reads nothing", async () => {
    const url = await serve((request) => request.pause())
    const [aborting, canceled] = [new AbortController(), Promise.withResolvers<void>()]
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(Buffer.alloc(250_000))
        sent += 250_000
        if (sent === 1_000_000) aborting.abort(new Error("Enough."))
      },
      cancel: () => canceled.resolve(),
    })
    await expect(fetchDirectly(url, { method: "POST", body, signal: aborting.signal })).rejects.toThrow(
      "Enough.",
    )
    await canceled.promise
  })

  it("fails when the stream of bytes does", async () => {
    const url = await serve((request) => request.resume())
    const body = new ReadableStream({ pull: () => Promise.reject(new Error("The disk broke.")) })
    await expect(fetchDirectly(url, { method: "POST", body })).rejects.toMatchObject({
      message: "fetch failed",
      cause: { message: "The disk broke." },
    })
  })

  it("truncates the endless body of an error", async () => {
    const megabyte = Buffer.alloc(1024 * 1024)
    const url = await serve(async (_, response) => {
      response.writeHead(500)
      while (!response.destroyed) if (!response.write(megabyte)) await once(response, "drain").catch(() => {})
    })
    expect((await (await fetchDirectly(url)).arrayBuffer()).byteLength).toBeLessThanOrEqual(megabyte.length)
  })

  it("uses the same connection for the next call", async () => {
    const ports: (number | undefined)[] = []
    const url = await serve(({ socket }, response) => {
      ports.push(socket.remotePort)
      response.end("Hello")
    })
    for (let call = 0; call < 2; call++) expect(await (await fetchDirectly(url)).text()).toBe("Hello")
    expect(ports[1]).toBe(ports[0])
  })

  it.each([204, 304])("has no body if the response %i has none", async (status) => {
    const url = await serve((_, response) => response.writeHead(status).end())
    const answer = await fetchDirectly(url)
    expect([answer.status, answer.body]).toEqual([status, null])
  })

  it("follows no redirect, because keys are for the one address", async () => {
    const url = await serve((_, response) => response.writeHead(307, { location: "/elsewhere" }).end())
    expect((await fetchDirectly(url, { method: "POST", body: "{}" })).status).toBe(307)
  })

  it("fails like fetch if no server listens", async () => {
    await expect(fetchDirectly("http://127.0.0.1:9")).rejects.toMatchObject({
      name: "TypeError",
      message: "fetch failed",
      cause: { code: "ECONNREFUSED" },
    })
  })

  it("fails for an invalid status", async () => {
    const url = await serve((_, response) => response.writeHead(999).end("Hello"))
    await expect(fetchDirectly(url)).rejects.toMatchObject({ message: "fetch failed" })
  })

  it("fails during the body when the connection breaks, after yielding the received data", async () => {
    const url = await serve((_, response) => {
      response.write("Half", () => response.destroy())
    })
    const reader = (await fetchDirectly(url)).body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("Half")
    await expect(reader?.read()).rejects.toMatchObject({
      message: "terminated",
      cause: { code: "ECONNRESET" },
    })
  })

  it("ends with the signal's reason, before the response and within it", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/begin") response.write("Half")
    })
    const reason = new Error("Enough.")
    await expect(fetchDirectly(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const silent = new AbortController()
    const waiting = fetchDirectly(url, { signal: silent.signal })
    silent.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    const begun = new AbortController()
    const answer = await fetchDirectly(new URL("/begin", url), { signal: begun.signal })
    begun.abort(reason)
    await expect(answer.text()).rejects.toThrow()
  })

  it("closes the connection when its body is canceled, without a later error", async () => {
    const closed = Promise.withResolvers<void>()
    const url = await serve((_, response) => {
      response.on("close", closed.resolve)
      const more = () => response.write("x".repeat(100_000), more)
      more()
    })
    const answer = await fetchDirectly(url)
    await answer.body?.cancel()
    await closed.promise
  })

  it("reads no further than its reader", async () => {
    let sent = 0
    const url = await serve((_, response) => {
      const more = () => {
        sent += 100_000
        if (sent < 100_000_000) response.write("x".repeat(100_000), more)
      }
      more()
    })
    const reader = (await fetchDirectly(url)).body?.getReader()
    await reader?.read()
    let before = -1
    while (sent > before) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(50_000_000)
    await reader?.cancel()
  })

  it.each([
    ["http://user:secret@127.0.0.1/", {}, "An address must not hold a password."],
    ["http://127.0.0.1/", { method: "POST", body: new URLSearchParams() }, "is a text"],
    ["nonsense", {}, "Invalid URL"],
  ])("refuses %s with %j", async (url, init, message) => {
    await expect(fetchDirectly(url, init)).rejects.toThrow(message)
  })
})

describe("an event stream", () => {
  const head = { "content-type": "text/event-stream; charset=utf-8" }

  async function openStream(url: string, signal?: AbortSignal): Promise<EventStreamResponse> {
    const answer = await fetchDirectly(url, signal === undefined ? {} : { signal })
    if (answer instanceof EventStreamResponse) return answer
    throw new Error("The response is not read as an event stream.")
  }

  async function readNext(stream: EventStreamResponse): Promise<string> {
    return Buffer.from((await stream.read()).value ?? []).toString()
  }

  it("has a head and is read to its end, and then serves the next call by the same connection", async () => {
    const ports: (number | undefined)[] = []
    const url = await serve(({ socket }, response) => {
      ports.push(socket.remotePort)
      response.writeHead(200, head).end("data: a\n\n")
    })
    for (let call = 0; call < 2; call++) {
      const stream = await openStream(url)
      expect([stream.status, stream.headers.get("content-type")]).toEqual([200, head["content-type"]])
      expect(await readNext(stream)).toBe("data: a\n\n")
      expect(await stream.read()).toEqual({ done: true, value: undefined })
    }
    expect(ports[1]).toBe(ports[0])
  })

  it("is an ordinary response if it reports an error", async () => {
    const url = await serve((_, response) => response.writeHead(500, head).end("Sorry"))
    expect(await (await fetchDirectly(url)).text()).toBe("Sorry")
  })

  it("fails when the connection breaks, after what came before", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, head).write("Half", () => response.destroy())
    })
    const stream = await openStream(url)
    expect(await readNext(stream)).toBe("Half")
    await expect(stream.read()).rejects.toMatchObject({
      message: "terminated",
      cause: { code: "ECONNRESET" },
    })
  })

  it("fails when the signal aborts during a read", async () => {
    const url = await serve((_, response) => response.writeHead(200, head).flushHeaders())
    const stopping = new AbortController()
    const reading = (await openStream(url, stopping.signal)).read()
    stopping.abort()
    await expect(reading).rejects.toThrow("terminated")
  })

  it("closes the connection when it is canceled, and ends a read that waits", async () => {
    const closed = Promise.withResolvers<void>()
    const url = await serve((_, response) => {
      response.on("close", closed.resolve)
      response.writeHead(200, head).flushHeaders()
    })
    const stream = await openStream(url)
    const reading = stream.read()
    await stream.cancel()
    await closed.promise
    expect(await reading).toEqual({ done: true, value: undefined })
  })

  it("is read no further than its reader reads", async () => {
    let sent = 0
    const url = await serve(async (_, response) => {
      response.writeHead(200, head)
      while (!response.destroyed) {
        sent += 100_000
        if (!response.write("x".repeat(100_000))) await once(response, "drain").catch(() => {})
      }
    })
    const stream = await openStream(url)
    await stream.read()
    let before = -1
    while (sent > before) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(50_000_000)
    await stream.cancel()
  })
})
