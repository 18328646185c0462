import { afterEach, describe, expect, it, vi } from "vitest"
import { ConfigurationError } from "../../core/errors.ts"
import type { Plugin, PluginParts } from "../../core/ports/plugin.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "../create-agent.ts"
import { createGateway } from "../create-gateway.ts"
import type { Gateway } from "../gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error: vi.fn() }
const provider = scriptedProvider([])
const operatorKey = "0123456789abcdef"

const gateways: Gateway[] = []
afterEach(async () => {
  vi.clearAllMocks()
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

const withRoutes = (routes: NonNullable<PluginParts["routes"]>, name = "own"): Plugin => {
  return { name, setup: () => ({ routes }) }
}

function agent(routes: NonNullable<PluginParts["routes"]>, options: Partial<AgentOptions> = {}): Gateway {
  const plugins = [withRoutes(routes)]
  const gateway = createAgent("Hi.", { store: "memory", provider, logger, plugins, ...options })
  gateways.push(gateway)
  return gateway
}

interface Sent extends RequestInit {
  readonly token?: string
  readonly address?: string
}

function send(gateway: Gateway, path: string, { token, address = "192.0.2.1", ...init }: Sent = {}) {
  const request = new Request(`http://gateway/api${path}`, init)
  if (token !== undefined) request.headers.set("authorization", `Bearer ${token}`)
  return gateway.fetch(request, { incoming: { socket: { remoteAddress: address } } })
}

async function read(response: Response) {
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith("{") ? JSON.parse(text) : null,
  }
}

async function tokenOf(gateway: Gateway, path = "/chat/init"): Promise<string> {
  const headers = { "content-type": "application/json" }
  const init = { method: "POST", headers, body: '{"api_key":"key","user_id":"ada"}' }
  return (await read(await send(gateway, path, init))).body.session_token
}

describe("a route for users", () => {
  const routes: PluginParts["routes"] = {
    "GET /me": { access: "user", handle: ({ principal }) => Response.json(principal) },
  }

  it("receives the user of a session token", async () => {
    const gateway = agent(routes, { validApiKeys: ["key"] })
    expect((await read(await send(gateway, "/me"))).status).toBe(401)
    const { status, body } = await read(await send(gateway, "/me", { token: await tokenOf(gateway) }))
    expect([status, body]).toEqual([200, { tenant: expect.stringMatching(/^key_/), userId: "ada" }])
  })

  it("refuses users while the gateway accepts any key", async () => {
    const gateway = agent(routes)
    const refused = await read(await send(gateway, "/me", { token: await tokenOf(gateway) }))
    expect(refused).toMatchObject({ status: 403, body: { code: "users_unknown" } })
  })

  it("receives the user that authenticate identifies, and refuses pages of other sites", async () => {
    const authenticate = async ({ headers }: Request) =>
      headers.get("cookie") === "user=ada" ? { userId: "ada", tenant: "acme" } : null
    const gateway = agent(routes, { authenticate })
    const headers = { cookie: "user=ada" }
    const ask = (more: object) => send(gateway, "/me", { headers: { ...headers, ...more } }).then(read)
    expect(await ask({ origin: "http://gateway" })).toMatchObject({
      status: 200,
      body: { tenant: "app_acme", userId: "ada" },
    })
    expect(await ask({ origin: "http://evil.example" })).toMatchObject({ status: 403 })
    expect(await ask({ origin: "http://gateway", cookie: "user=eve" })).toMatchObject({
      status: 401,
      body: { code: "invalid_credentials" },
    })
  })

  it("counts the requests of each user", async () => {
    const gateway = agent(routes, { validApiKeys: ["key"], rateLimits: { tenantRequestsPerMinute: 2 } })
    const [first, second] = [await tokenOf(gateway), await tokenOf(gateway)]
    const statuses = []
    for (const token of [first, second, first]) statuses.push((await send(gateway, "/me", { token })).status)
    expect(statuses).toEqual([200, 200, 429])
  })
})

describe("a route for operators", () => {
  const routes: PluginParts["routes"] = {
    "GET /figures": { access: "operator", handle: () => Response.json({ runs: 1 }) },
  }

  it("needs the operator key as a Bearer token", async () => {
    const gateway = agent(routes, { operatorKeys: [operatorKey] })
    const statusOf = async (token?: string) =>
      (await send(gateway, "/figures", token === undefined ? {} : { token })).status
    expect([await statusOf(operatorKey), await statusOf(), await statusOf("wrong")]).toEqual([200, 401, 401])
    expect(await statusOf(await tokenOf(gateway))).toBe(401)
  })

  it("is closed without a key, and slows down who guesses one", async () => {
    const closed = await read(await send(agent(routes), "/figures", { token: operatorKey }))
    expect(closed).toMatchObject({ status: 401, body: { code: "invalid_credentials" } })
    const gateway = agent(routes, { operatorKeys: [operatorKey], rateLimits: { failuresPerMinute: 2 } })
    const statuses = []
    for (let count = 0; count < 3; count++)
      statuses.push((await send(gateway, "/figures", { token: "wrong" })).status)
    expect(statuses).toEqual([401, 401, 429])
    expect((await send(gateway, "/figures", { token: operatorKey })).status).toBe(200)
  })
})

describe("a public route", () => {
  const sum: PluginParts["routes"] = {
    "POST /hook": {
      access: "public",
      rawBytes: 100,
      handle: ({ bytes, body, principal }) => Response.json({ bytes: [...bytes], body, principal }),
    },
  }
  const chunked = (bytes: number) =>
    new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(bytes))
        controller.close()
      },
    })

  it("receives the bytes of any body as they were sent", async () => {
    const gateway = agent(sum)
    for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded", null]) {
      const headers = type === null ? {} : { "content-type": type }
      const answer = await read(
        await send(gateway, "/hook", { method: "POST", headers, body: new Uint8Array([123, 0, 255]) }),
      )
      expect(answer).toMatchObject({
        status: 200,
        body: { bytes: [123, 0, 255], body: null, principal: null },
      })
    }
    expect(await read(await send(gateway, "/hook", { method: "POST" }))).toMatchObject({
      body: { bytes: [] },
    })
  })

  it("refuses a body that is too large, with and without a length", async () => {
    const gateway = agent(sum)
    const known = await read(await send(gateway, "/hook", { method: "POST", body: new Uint8Array(101) }))
    const init: RequestInit & { duplex: "half" } = { method: "POST", body: chunked(101), duplex: "half" }
    const unknown = await read(await send(gateway, "/hook", init))
    for (const refused of [known, unknown])
      expect(refused).toMatchObject({ status: 413, body: { code: "body_too_large" } })
  })

  it("is limited by the network of the client", async () => {
    const gateway = agent(sum, { rateLimits: { requestsPerMinute: 2 } })
    const post = (address: string) =>
      send(gateway, "/hook", { method: "POST", address }).then(({ status }) => status)
    expect([await post("192.0.2.1"), await post("192.0.2.1"), await post("192.0.2.1")]).toEqual([
      200, 200, 429,
    ])
    expect([await post("2001:db8::1"), await post("2001:db8::2"), await post("2001:db8::3")]).toEqual([
      200, 200, 429,
    ])
    expect(await post("192.0.2.2")).toBe(200)
  })

  it("keeps at most 100 requests of a network open, even without rate limits", async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const handle = () => answered.then(() => new Response("Hi"))
    const gateway = agent({ "GET /hang": { access: "public", handle } }, { rateLimits: false })
    await gateway.prepare()
    const waiting = Array.from({ length: 100 }, () => send(gateway, "/hang"))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await send(gateway, "/hang")).status).toBe(429)
    waiting.push(send(gateway, "/hang", { address: "192.0.2.2" }))
    answer()
    const responses = await Promise.all(waiting)
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
    await Promise.all(responses.map((response) => response.text()))
    expect((await send(gateway, "/hang")).status).toBe(200)
  })

  it("maps a verified request to a principal, and refuses others", async () => {
    const identified: PluginParts["routes"] = {
      "POST /hook": {
        access: "public",
        rawBytes: 100,
        identify: ({ bytes }) =>
          bytes[0] === 1 ? { userId: "ada", tenant: bytes[1] === 2 ? "acme" : undefined } : null,
        handle: ({ principal }) => Response.json(principal),
      },
      "POST /nameless": { access: "public", identify: () => ({ userId: "" }), handle: () => new Response() },
    }
    const gateway = agent(identified, { rateLimits: { failuresPerMinute: 1 } })
    const post = (...bytes: readonly number[]) =>
      send(gateway, "/hook", { method: "POST", body: new Uint8Array(bytes) }).then(read)
    expect(await post(1)).toMatchObject({
      status: 200,
      body: { tenant: "plugin_own.default", userId: "ada" },
    })
    expect(await post(1, 2)).toMatchObject({ status: 200, body: { tenant: "plugin_own.acme" } })
    expect(await post(0)).toMatchObject({ status: 401, body: { code: "invalid_credentials" } })
    expect(await post(0)).toMatchObject({ status: 429 })
    expect(await post(1)).toMatchObject({ status: 200 })
    expect((await send(gateway, "/nameless", { method: "POST" })).status).toBe(500)
  })
})

describe("the response of a route", () => {
  const ticking = (signal: AbortSignal, ticks: number) => {
    let left = ticks
    return new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        if (signal.aborted || left-- === 0) controller.close()
        else controller.enqueue(Buffer.from("tick\n"))
      },
    })
  }

  it("has its body canceled if the response comes too late", async () => {
    const { promise: canceled, resolve: cancel } = Promise.withResolvers<void>()
    const { promise: response, resolve: respond } = Promise.withResolvers<Response>()
    const routes = { "GET /late": { access: "public", handle: () => response } } as const
    const { status } = await send(agent(routes, { callbackTimeoutMs: 20 }), "/late")
    expect(status).toBe(500)
    respond(new Response(new ReadableStream({ cancel })))
    await canceled
  })

  it("may stream for longer than callbackTimeoutMs", async () => {
    const routes: PluginParts["routes"] = {
      "GET /ticks": { access: "public", handle: ({ signal }) => new Response(ticking(signal, 10)) },
    }
    const { text } = await read(await send(agent(routes, { callbackTimeoutMs: 50 }), "/ticks"))
    expect(text).toBe("tick\n".repeat(10))
  })

  it("aborts the handler's signal when its client leaves", async () => {
    const signals: AbortSignal[] = []
    const handle = ({ signal }: { readonly signal: AbortSignal }) => {
      signals.push(signal)
      return new Response(ticking(signal, 1_000))
    }
    const response = await send(agent({ "GET /ticks": { access: "public", handle } }), "/ticks")
    const reader = response.body?.getReader()
    await reader?.read()
    expect(signals[0]?.aborted).toBe(false)
    await reader?.cancel()
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true))
  })

  it("ends on the gateway's own server when the client disconnects, before the response and during it", async () => {
    const signals: AbortSignal[] = []
    const note = (signal: AbortSignal) => void signals.push(signal)
    const gateway = agent({
      "GET /hangs": {
        access: "public",
        handle({ signal }) {
          note(signal)
          return new Promise(() => {})
        },
      },
      "GET /ticks": {
        access: "public",
        handle({ signal }) {
          note(signal)
          return new Response(ticking(signal, 1_000))
        },
      },
    })
    const { apiUrl } = await gateway.listen({ port: 0 })
    for (const path of ["/hangs", "/ticks"]) {
      const leaving = new AbortController()
      const response = fetch(`${apiUrl}${path}`, { signal: leaving.signal })
      response.catch(() => undefined)
      await vi.waitFor(() => expect(signals).toHaveLength(1))
      if (path === "/ticks") await (await response).body?.getReader().read()
      leaving.abort()
      await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true))
      signals.length = 0
    }
    // A client that leaves is no failure.
    expect(logger.error).not.toHaveBeenCalled()
  })

  it("has no body for HEAD, and the handler's stream is canceled", async () => {
    const canceled = vi.fn()
    const endless = () => new Response(new ReadableStream({ cancel: canceled }))
    const gateway = agent({ "GET /endless": { access: "public", handle: endless } })
    const { status, text } = await read(await send(gateway, "/endless", { method: "HEAD" }))
    expect([status, text]).toEqual([200, ""])
    expect(canceled).toHaveBeenCalledOnce()
  })

  it("is cut, with a line in the log, if its body fails", async () => {
    const failing = () => ReadableStream.from(fail())
    async function* fail() {
      yield Buffer.from("begin")
      throw new Error("secret detail")
    }
    const gateway = agent({ "GET /fails": { access: "public", handle: () => new Response(failing()) } })
    const response = await send(gateway, "/fails")
    await expect(response.text()).rejects.toThrow("The response of the plugin failed.")
    expect(logger.error).toHaveBeenCalledOnce()
  })

  it("is a problem without details if the handler throws, hangs, or was given a wrong configuration", async () => {
    const throwing = (error: Error) => ({ access: "public" as const, handle: () => Promise.reject(error) })
    const gateway = agent(
      {
        "GET /throws": throwing(new Error("secret detail")),
        "GET /misconfigured": throwing(new ConfigurationError("secret detail")),
        "GET /hangs": { access: "public", handle: () => new Promise(() => {}) },
      },
      { callbackTimeoutMs: 50 },
    )
    for (const path of ["throws", "misconfigured", "hangs"]) {
      const { status, text, headers } = await read(await send(gateway, `/${path}`))
      expect([status, headers.get("content-type")]).toEqual([500, "application/problem+json"])
      expect(text).not.toContain("secret detail")
    }
  })

  it("is sandboxed, so that a page of a plugin cannot act as the gateway's own", async () => {
    const page = () =>
      new Response("<script></script>", { headers: { "content-security-policy": "default-src *" } })
    const { headers } = await read(
      await send(agent({ "GET /page": { access: "public", handle: page } }), "/page"),
    )
    expect(headers.get("content-security-policy")).toBe("sandbox")
  })
})

describe("the routes of several agents", () => {
  const hello = (text: string): Plugin =>
    withRoutes({
      "GET /hello": { access: "public", handle: ({ params }) => Response.json({ text, params }) },
      "GET /own/:word": ({ session, params }) => Response.json({ agent: session.agent, params }),
    })

  function several(plugins: Readonly<Record<string, readonly Plugin[]>>): Gateway {
    const agents = Object.fromEntries(
      Object.entries(plugins).map(([name, own]) => [name, { systemPrompt: "Hi.", provider, plugins: own }]),
    )
    const gateway = createGateway({ store: "memory", logger, agents })
    gateways.push(gateway)
    return gateway
  }

  it("are reached by the agent's name, and those of the default agent without it", async () => {
    const gateway = several({ one: [hello("one")], two: [hello("two")], none: [] })
    const ask = async (path: string) => (await read(await send(gateway, path))).body
    expect(await ask("/hello")).toEqual({ text: "one", params: {} })
    expect(await ask("/agents/two/hello")).toEqual({ text: "two", params: {} })
    expect(await ask("/agents/none/hello")).toMatchObject({ code: "not_found" })
    expect(await ask("/agents/unknown/hello")).toMatchObject({ code: "not_found" })
  })

  it("take session tokens of their own agent only", async () => {
    const gateway = several({ one: [hello("one")], two: [hello("two")] })
    const token = await tokenOf(gateway, "/agents/two/chat/init")
    const ask = async (path: string) => (await read(await send(gateway, path, { token }))).body
    expect(await ask("/own/a")).toEqual({ agent: "two", params: { word: "a" } })
    expect(await ask("/agents/two/own/a")).toEqual({ agent: "two", params: { word: "a" } })
    expect(await ask("/agents/one/own/a")).toMatchObject({ code: "not_found" })
  })

  it("must have one level of access, and a bound that the gateway can keep", async () => {
    const open = withRoutes({ "GET /same": { access: "public", handle: () => new Response() } })
    const closed = withRoutes({ "GET /same": () => new Response() })
    await expect(several({ one: [open], two: [closed] }).prepare()).rejects.toThrow(
      /route GET \/same of two agents/,
    )
    const large = {
      "POST /large": { access: "public", rawBytes: 2 ** 30, handle: () => new Response() },
    } as const
    await expect(agent(large).prepare()).rejects.toThrow(/rawBytes must be a whole number from 1 to 4194304/)
  })
})
