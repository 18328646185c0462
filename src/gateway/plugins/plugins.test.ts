import { afterEach, describe, expect, it } from "vitest"
import type { Plugin, PluginParts, RunParts } from "../../core/ports/plugin.ts"
import { tool } from "../../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "../create-agent.ts"
import { createGateway, type GatewayOptions } from "../create-gateway.ts"
import type { Gateway } from "../gateway.ts"

interface LogLine {
  readonly fields: object
  readonly message: string
}

const lines: LogLine[] = []
const note = (fields: object, message: string) => void lines.push({ fields, message })
const logger = { debug() {}, info() {}, warn: note, error: note }
const provider = scriptedProvider(({ messages, tools, system }) => {
  const last = messages.at(-1)
  if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results) }]
  const prompt = system.map(({ text }) => text).join(" | ")
  return [{ type: "text", text: `${prompt}: ${tools.map(({ name }) => name).join(", ")}` }]
})

const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
  lines.length = 0
})

function keep(gateway: Gateway): Gateway {
  gateways.push(gateway)
  return gateway
}

function agent(plugins: readonly Plugin[], options: Partial<AgentOptions> = {}): Gateway {
  return keep(createAgent("You help.", { store: "memory", provider, logger, plugins, ...options }))
}

const plugin = (name: string, parts: PluginParts = {}): Plugin => ({ name, setup: () => parts })
const withRun = (name: string, run: RunParts): Plugin => plugin(name, { openRun: () => run })
const named = (name: string) =>
  tool({
    name,
    description: "Does it.",
    inputSchema: { type: "object" },
    execute: () => `${name} was executed`,
  })

async function request(gateway: Gateway, path: string, init: RequestInit & { readonly token?: string } = {}) {
  const { token, ...rest } = init
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }
  const response = await gateway.fetch(new Request(`http://gateway/api${path}`, { ...rest, headers }))
  const text = await response.text()
  const body = text.startsWith("{") ? JSON.parse(text) : null
  return { status: response.status, headers: response.headers, text, body }
}

async function tokenOf(gateway: Gateway, path = "/chat/init"): Promise<string> {
  const { body } = await request(gateway, path, { method: "POST", body: '{"api_key":"key","user_id":"ada"}' })
  return body.session_token
}

describe("opening and closing", () => {
  it("opens plugins in their order and closes them in reverse", async () => {
    const calls: string[] = []
    const following = (name: string): Plugin => ({
      name,
      setup() {
        calls.push(`open ${name}`)
        return { close: () => void calls.push(`close ${name}`) }
      },
    })
    const gateway = agent(["a", "b", "c"].map(following))
    await gateway.prepare()
    await gateway.close({ graceMs: 0 })
    expect(calls).toEqual(["open a", "open b", "open c", "close c", "close b", "close a"])
  })

  it("names the plugin that failed to open, and closes those before it", async () => {
    const closed: string[] = []
    const first = plugin("first", { close: () => void closed.push("first") })
    const broken: Plugin = {
      name: "broken",
      setup: () => Promise.reject(new Error("no connection")),
    }
    const last: Plugin = { name: "last", setup: () => expect.unreachable() }
    const gateway = agent([first, broken, last])
    await expect(gateway.prepare()).rejects.toMatchObject({
      code: "plugin_failed",
      message: "The plugin broken could not be opened: no connection",
    })
    expect(closed).toEqual(["first"])
  })

  it("stops waiting for a plugin that never opens when the gateway closes, and closes it if it opens later", async () => {
    const opening = Promise.withResolvers<PluginParts>()
    const closed = Promise.withResolvers<void>()
    const gateway = agent([{ name: "slow", setup: () => opening.promise }])
    const prepared = gateway.prepare()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await gateway.close({ graceMs: 0 })
    await expect(prepared).rejects.toMatchObject({ code: "shutting_down" })
    opening.resolve({ close: () => closed.resolve() })
    await closed.promise
  })

  it("closes the others if one fails to close", async () => {
    const closed: string[] = []
    const gateway = agent([
      plugin("good", { close: () => void closed.push("good") }),
      plugin("bad", {
        close() {
          throw new Error("stuck")
        },
      }),
    ])
    await gateway.prepare()
    await gateway.close({ graceMs: 0 })
    expect(closed).toEqual(["good"])
    expect(lines).toContainEqual({
      fields: expect.objectContaining({ plugin: "bad" }),
      message: expect.stringContaining("failed to close"),
    })
  })

  it.each([
    [[plugin("Bad Name")], /"Bad Name" is not a plugin name/],
    [[plugin("twice"), plugin("twice")], /two plugins of an agent are named "twice"/],
    [[plugin("mcp")], /two plugins of an agent are named "mcp"/],
  ])("refuses names that are malformed or taken", async (plugins, message) => {
    await expect(agent(plugins).prepare()).rejects.toThrow(message)
  })

  it("refuses an invalid plugin when the agent is created", () => {
    expect(() => createAgent("Hi.", { plugins: [{ name: "x" } as never] })).toThrow(
      /plugins\[0\]: expected a plugin/,
    )
  })

  it("passes a port to the plugins after the one that provides it", async () => {
    const seen: unknown[] = []
    const codeRunner = { hosts: [], maxTimeoutMs: 1, overheadMs: 1, run: () => expect.unreachable() }
    const look = (name: string): Plugin => ({
      name,
      setup({ ports }) {
        seen.push(ports.codeRunner)
        return {}
      },
    })
    await agent([look("before"), plugin("provider", { provides: { codeRunner } }), look("after")]).prepare()
    expect(seen).toEqual([undefined, codeRunner])
  })

  it("keeps the secrets of plugins apart", async () => {
    const found: unknown[] = []
    const writer: Plugin = {
      name: "writer",
      async setup({ openSecrets }) {
        await (await openSecrets())?.put("key", "secret")
        return {}
      },
    }
    const reader = (name: string): Plugin => ({
      name,
      async setup({ openSecrets }) {
        found.push(await (await openSecrets())?.get("key"))
        return {}
      },
    })
    await agent([writer, reader("reader")]).prepare()
    expect(found).toEqual([null])
  })
})

describe("in a run", () => {
  it("gives the model tools and instructions, the agent's own first", async () => {
    const gateway = agent(
      [
        withRun("one", {
          tools: (taken) => (taken.includes("own") ? oneTools : []),
          instructions: ["Use one."],
        }),
        withRun("two", { tools: () => twoTools, instructions: ["Use two."] }),
      ],
      { tools: [named("own")] },
    )
    const { response } = await gateway.run("Hi.")
    expect(response).toBe("You help. | Use one. | Use two.: own, one, two")
  })
  const oneTools = [named("one")]
  const twoTools = [named("two")]

  it("passes each run's session", async () => {
    const sessions: unknown[] = []
    const gateway = agent([
      plugin("looking", {
        openRun({ session }) {
          sessions.push(session?.userId)
          return {}
        },
      }),
    ])
    await gateway.run("Hi.", { userId: "ada" })
    // The first check is the one at the start.
    expect(sessions).toEqual([undefined, "ada"])
  })

  it("lets interceptors deny calls", async () => {
    const calling = scriptedProvider(({ messages }) =>
      messages.at(-1)?.role === "tool"
        ? [{ type: "text", text: JSON.stringify(messages.at(-1)) }]
        : [{ type: "toolCall", name: "own" }],
    )
    const deny = withRun("strict", { interceptors: [() => ({ action: "deny", message: "Not on Sundays." })] })
    const gateway = agent([deny], { provider: calling, tools: [named("own")] })
    expect((await gateway.run("Hi.")).response).toContain("Not on Sundays.")
  })

  it("refuses to start with two tools of one name", async () => {
    const gateway = agent([withRun("same", { tools: () => sameTools })], { tools: [named("own")] })
    await expect(gateway.prepare()).rejects.toThrow('Two tools are named "own", and a plugin has')
  })
  const sameTools = [named("own")]

  it("leaves out a tool whose name is taken, and keeps the former tools if listing fails", async () => {
    let listings = 0
    const before = [named("before")]
    const after = [named("before"), named("own")]
    const calling = scriptedProvider(({ messages, tools }) =>
      messages.at(-1)?.role === "tool"
        ? [{ type: "text", text: tools.map(({ name }) => name).join() }]
        : [{ type: "toolCall", name: "own" }],
    )
    const changing = plugin("changing", {
      openRun({ session }) {
        if (session === null) return {}
        return { tools: () => (listings++ < 2 ? before : after) }
      },
    })
    const failing = plugin("failing", {
      openRun({ session }) {
        let calls = 0
        return {
          tools() {
            if (session !== null && calls++ > 0) throw new Error("lost")
            return failingTools
          },
        }
      },
    })
    const gateway = agent([changing, failing], { provider: calling, tools: [named("own")] })
    const { response } = await gateway.run("Hi.")
    expect(response).toBe("own,before,kept")
    const messages = lines.map(({ message }) => message)
    expect(messages).toContain(
      "A plugin failed to list its tools. The run continues with those it had before.",
    )
  })
  const failingTools = [named("kept")]

  it("ends only the run whose plugin fails or hangs", async () => {
    const bad = plugin("bad", {
      openRun({ session }) {
        if (session?.userId === "eve") throw new Error("not for eve")
        if (session?.userId === "mallory") return new Promise(() => {})
        return {}
      },
    })
    const gateway = agent([bad], { callbackTimeoutMs: 100 })
    const [eve, mallory, ada] = await Promise.all(
      ["eve", "mallory", "ada"].map((userId) => gateway.run("Hi.", { userId })),
    )
    expect(eve?.outcome).toBe("failed")
    expect(mallory?.outcome).toBe("failed")
    expect(ada?.outcome).toBe("completed")
  })
})

describe("routes", () => {
  const echo = plugin("echo", {
    routes: {
      "GET /echo/:word": ({ params, session }) => Response.json({ ...params, user: session.userId }),
      "POST /echo": ({ body }) => Response.json({ body }),
      "GET /echo/fail": () => {
        throw new Error("secret detail")
      },
    },
  })

  it("are answered behind the authentication", async () => {
    const gateway = agent([echo])
    expect((await request(gateway, "/echo/hi")).status).toBe(401)
    const token = await tokenOf(gateway)
    expect(await request(gateway, "/echo/hi", { token })).toMatchObject({
      status: 200,
      body: { word: "hi", user: "ada" },
    })
    expect((await request(gateway, "/echo/hi", { token, method: "DELETE" })).status).toBe(405)
  })

  it("count for the rate limit, and report the remaining requests", async () => {
    const own = { "GET /own": () => new Response(null, { status: 204 }) }
    const gateway = agent([plugin("own", { routes: own })], { rateLimits: { requestsPerMinute: 1 } })
    const token = await tokenOf(gateway)
    const { status, headers } = await request(gateway, "/own", { token })
    expect([status, headers.get("ratelimit")?.slice(0, 13)]).toEqual([204, '"session";r=0'])
    expect(await request(gateway, "/own", { token })).toMatchObject({ status: 429 })
  })

  it("have bounded bodies", async () => {
    const gateway = agent([echo], { limits: { bodyBytes: 100 } })
    const token = await tokenOf(gateway)
    const post = (body: string) => request(gateway, "/echo", { token, method: "POST", body })
    expect(await post('{"a":1}')).toMatchObject({ status: 200, body: { body: { a: 1 } } })
    expect(await post(JSON.stringify({ a: "x".repeat(100) }))).toMatchObject({ status: 413 })
    expect(await post("{")).toMatchObject({ status: 400, body: { code: "malformed_json" } })
    const empty = await request(gateway, "/echo", { token, method: "POST" })
    expect(empty).toMatchObject({ status: 200, body: { body: null } })
  })

  it("answer 500 without details if they throw, return no response, or take too long", async () => {
    const bad = plugin("bad", {
      routes: {
        "GET /bad/throws": () => Promise.reject(new Error("secret detail")),
        "GET /bad/returns": () => "text" as never,
        "GET /bad/hangs": () => new Promise(() => {}),
      },
    })
    const gateway = agent([bad], { callbackTimeoutMs: 50 })
    const token = await tokenOf(gateway)
    const codes = { throws: "internal_error", returns: "internal_error", hangs: "callback_timeout" }
    for (const [path, code] of Object.entries(codes)) {
      const { status, body, text } = await request(gateway, `/bad/${path}`, { token })
      expect({ status, code: body.code }).toEqual({ status: 500, code })
      expect(text).not.toContain("secret detail")
    }
  })

  it.each([
    ["GET /chat/history", /The gateway itself has the plugin route GET \/chat\/history/],
    ["GET /chat/files/x", /The gateway itself has/],
    ["FETCH /x", /is not a method and a path/],
    ["GET x", /is not a method and a path/],
    ["GET /x/*", /is not a method and a path/],
  ])("cannot be %s", async (route, message) => {
    await expect(
      agent([plugin("bad", { routes: { [route]: () => new Response() } })]).prepare(),
    ).rejects.toThrow(message)
  })

  it("cannot be those of another plugin of the agent", async () => {
    const route = { routes: { "GET /same": () => new Response() } }
    await expect(agent([plugin("a", route), plugin("b", route)]).prepare()).rejects.toThrow(
      /plugin b has the route GET \/same/,
    )
  })

  it("of two agents are separate", async () => {
    const hello = (text: string) => plugin("hello", { routes: { "GET /hello": () => new Response(text) } })
    const options: GatewayOptions = {
      store: "memory",
      logger,
      agents: {
        one: { systemPrompt: "One.", provider, plugins: [hello("one")] },
        two: { systemPrompt: "Two.", provider, plugins: [hello("two")] },
        none: { systemPrompt: "None.", provider },
      },
    }
    const gateway = keep(createGateway(options))
    const ask = async (name: string) =>
      request(gateway, "/hello", { token: await tokenOf(gateway, `/agents/${name}/chat/init`) })
    expect(await ask("one")).toMatchObject({ status: 200, text: "one" })
    expect(await ask("two")).toMatchObject({ status: 200, text: "two" })
    expect(await ask("none")).toMatchObject({ status: 404 })
  })
})

describe("checks", () => {
  it("are named after their plugin, and a failed one does not make the gateway unready", async () => {
    const gateway = agent([
      plugin("store", { checks: () => [{ ok: true }] }),
      plugin("links", {
        checks: ({ isOperator }) => [
          { part: "a", ok: true, detail: isOperator ? "for the operator" : "for anyone" },
          { part: "b", ok: false },
        ],
      }),
      plugin("broken", { checks: () => Promise.reject(new Error("secret detail")) }),
    ])
    const { ready, checks } = await gateway.readiness()
    expect(ready).toBe(true)
    expect(checks).toMatchObject({
      "links:a": { ok: true, detail: "for anyone" },
      "links:b": { ok: false },
      broken: { ok: false, detail: "The check failed." },
    })
    const { checks: forOperator } = await gateway.readiness({ forOperator: true })
    expect(forOperator.broken?.detail).toContain("secret detail")
  })
})
