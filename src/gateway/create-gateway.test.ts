import { afterEach, describe, expect, it } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway, type GatewayOptions } from "./create-gateway.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const say = (text: string) => ({ type: "text", text }) as const
const named = (name: string) =>
  tool({
    name,
    description: "Does it.",
    inputSchema: { type: "object" },
    execute: () => `${name} was executed`,
  })

const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

function create(options: GatewayOptions): Gateway {
  const gateway = createGateway({ store: "memory", logger, ...options })
  gateways.push(gateway)
  return gateway
}

/** Two agents that share nothing. */
function twoAgents(options: Partial<GatewayOptions> = {}) {
  const support = scriptedProvider(({ messages }) =>
    messages.length > 1 ? [say("Support is done.")] : [{ type: "toolCall", name: "refund" }],
  )
  const research = scriptedProvider(({ messages }) =>
    messages.length > 1 ? [say("Research is done.")] : [{ type: "toolCall", name: "search" }],
  )
  const gateway = create({
    agents: {
      support: {
        systemPrompt: "You support.",
        provider: support,
        tools: [named("refund")],
        needsApproval: () => true,
        allowedModels: ["small"],
      },
      research: { systemPrompt: "You research.", provider: research, tools: [named("search")], model: "own" },
    },
    ...options,
  })
  return { gateway, support, research }
}

async function post(
  gateway: Gateway,
  path: string,
  body: object,
  token?: unknown,
): Promise<{ readonly status: number; readonly text: string; readonly body: Record<string, unknown> }> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await gateway.fetch(
    new Request(`http://gateway/api${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization },
      body: JSON.stringify(body),
    }),
  )
  const text = await response.text()
  return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : {} }
}

const key = { api_key: "key" }

describe("the agents of one gateway", () => {
  it("have their own prompt, provider, tools and approval policy", async () => {
    const { gateway, support, research } = twoAgents()
    const { body: session } = await post(gateway, "/agents/research/chat/init", key)
    expect(session).toMatchObject({ agent: "research" })
    const { text } = await post(gateway, "/chat", { message: "Go." }, session.session_token)
    expect(text).toContain("search was executed")
    expect(text).toContain("Research is done.")
    expect(text).not.toContain("tool_approval_request")
    expect(support.requests).toEqual([])
    const [request] = research.requests
    expect(request?.system).toEqual([{ text: "You research.", cache: true }])
    expect(request?.tools.map(({ name }) => name)).toEqual(["search"])
    expect(request?.model).toBe("own")
  })

  it("are reached by the routes without a name if they are the default", async () => {
    const first = await post(twoAgents().gateway, "/chat/init", key)
    expect(first.body).toMatchObject({ agent: "support" })
    const chosen = await post(twoAgents({ defaultAgent: "research" }).gateway, "/chat/init", key)
    expect(chosen.body).toMatchObject({ agent: "research" })
  })

  it("each let clients choose only their own models", async () => {
    const { gateway } = twoAgents()
    const statusOf = async (agent: string, model: string) => {
      const { body } = await post(gateway, `/agents/${agent}/chat/init`, key)
      return (await post(gateway, "/chat/cancel", {}, body.session_token)).status === 404
        ? modelStatus(gateway, body.session_token, model)
        : null
    }
    expect(await statusOf("support", "large")).toBe(400)
    expect(await statusOf("research", "large")).toBe(200)
  })

  it("renew only the tokens of their own sessions", async () => {
    const { gateway } = twoAgents()
    const { body } = await post(gateway, "/agents/research/chat/init", key)
    const again = { ...key, session_id: body.session_id }
    expect((await post(gateway, "/agents/research/chat/init", again)).status).toBe(200)
    const codes = await Promise.all(
      ["/agents/support/chat/init", "/chat/init"].map((path) => post(gateway, path, again)),
    )
    expect(codes.map((answer) => [answer.status, answer.body.code])).toEqual([
      [404, "session_not_found"],
      [404, "session_not_found"],
    ])
  })

  it("are named only to clients with valid credentials", async () => {
    const { gateway } = twoAgents({ validApiKeys: ["key"] })
    const answers = await Promise.all([
      post(gateway, "/agents/nobody/chat/init", key),
      post(gateway, "/agents/nobody/chat/init", { api_key: "wrong" }),
      post(gateway, "/agents/research/chat/init", { api_key: "wrong" }),
    ])
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [404, "agent_not_found"],
      [401, "invalid_api_key"],
      [401, "invalid_api_key"],
    ])
  })

  it.each([
    "constructor",
    "__proto__",
    "toString",
    "%00",
    "%2F",
    "..%2Fchat",
    "support%20",
    "Support",
    "%F0%9F%98%80",
    "%E0%A4%A",
    "a".repeat(4_000),
  ])("are not found by the hostile name %j", async (name) => {
    const { gateway } = twoAgents()
    const { status, body } = await post(gateway, `/agents/${name}/chat/init`, key)
    expect([status, body.code]).toEqual([404, expect.stringMatching(/^(agent_)?not_found$/)])
  })
})

async function modelStatus(gateway: Gateway, token: unknown, model: string): Promise<number> {
  const controller = new AbortController()
  const response = await gateway.fetch(
    new Request("http://gateway/api/chat", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ message: "Go.", model }),
      signal: controller.signal,
    }),
  )
  await response.body?.cancel()
  return response.status
}

describe("createGateway", () => {
  const agent = { systemPrompt: "You help.", provider: scriptedProvider([]) }

  it.each([
    [{ agents: {} }, "agents: expected an agent"],
    [{ agents: { a: agent }, name: "a" }, "unknown option name"],
    [{ agents: { a: agent }, defaultAgent: "b" }, "defaultAgent is not one of the agents, which are a"],
    [{ agents: { a: { ...agent, maxTurn: 1 } } }, "agents.a: unknown option maxTurn"],
    [{ agents: { a: { ...agent, store: "memory" } } }, "agents.a: unknown option store"],
    [{ agents: { a: { provider: agent.provider } } }, "agents.a: systemPrompt"],
    [{ agents: { a: { ...agent, mcpServers: { x: { commando: "y" } } } } }, "mcpServers"],
    [{ agents: { a: { buildChatRuntime: () => agent, tools: [] } } }, "agents.a: unknown option tools"],
    [
      { agents: { a: { buildChatRuntime: () => agent, resolveCredentials: () => null } } },
      "needs validApiKeys",
    ],
  ])("refuses %j", (options, problem) => {
    expect(() => createGateway(options as GatewayOptions)).toThrow(problem)
  })

  it.each(["", ".", "..", "a/b", "a b", "a%2Fb", "-a", "ä", "a\n", "a".repeat(65)])(
    "refuses the name %j, which is not a safe path segment",
    (name) => {
      expect(() => createGateway({ agents: { [name]: agent } })).toThrow("agents")
    },
  )

  it("accepts agents with the application's own runtime", async () => {
    const provider = scriptedProvider([[say("Built.")]])
    const gateway = create({
      agents: {
        plain: agent,
        built: { defaultProvider: provider, buildChatRuntime: () => ({ systemPrompt: "You build." }) },
      },
    })
    const { body } = await post(gateway, "/agents/built/chat/init", key)
    expect((await post(gateway, "/chat", { message: "Go." }, body.session_token)).text).toContain("Built.")
  })

  it("names the agent in each check of its readiness", async () => {
    const gateway = create({
      agents: {
        one: { ...agent, mcpServers: { files: { command: "/nowhere/server" } } },
        two: { ...agent, mcpServers: { files: { command: "/nowhere/server" } } },
      },
    })
    const { checks } = await gateway.readiness({ forOperator: true })
    expect(Object.keys(checks).sort()).toEqual(
      expect.arrayContaining(["one/mcp:files", "store", "two/mcp:files"]),
    )
  })
})
