import { expect, it, onTestFinished } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedTurn, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { historyResponseSchema } from "../wires/native/schemas/history.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const tools = [
  tool({
    name: "build",
    description: "Builds.",
    inputSchema: { type: "object" },
    execute: async (_input, { emit }) => {
      emit(`${"a".repeat(5_000)}\n`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      emit("one error\n", "stderr")
      emit("password: hunter2222\n")
      return "built"
    },
  }),
]

async function createClient(script: readonly ScriptedTurn[], options: Partial<AgentOptions> = {}) {
  const gateway = createAgent("You work.", {
    store: "memory",
    logger,
    tools,
    redact: ["password"],
    provider: scriptedProvider(script),
    ...options,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const call = async (path: string, init: RequestInit) =>
    gateway.fetch(new Request(`http://localhost/api${path}`, init))
  const json = { "content-type": "application/json" }
  const login = async (user_id: string) => {
    const init = await call("/chat/init", {
      ...{ method: "POST", headers: json },
      body: JSON.stringify({ api_key: "key", user_id }),
    })
    const { session_token } = (await init.json()) as { readonly session_token: string }
    const headers = { ...json, authorization: `Bearer ${session_token}` }
    const history = (query = "") => call(`/chat/history${query}`, { headers })
    return {
      history,
      async send(message: string) {
        const response = await call("/chat", { method: "POST", headers, body: JSON.stringify({ message }) })
        await response.text()
      },
      /** Resolves to the blocks of all messages. */
      async blocks(query = "") {
        const body: unknown = await (await history(query)).json()
        expect(historyResponseSchema.parse(body)).toEqual(body)
        return historyResponseSchema.parse(body).messages.flatMap(({ content }) => content)
      },
    }
  }
  return { gateway, login }
}

const answer = [{ type: "text", text: "Done." }] as const

it("has the duration of a call and the end of its live output, without secrets", async () => {
  const { login } = await createClient([[{ type: "toolCall", name: "build" }], answer])
  const { send, blocks } = await login("ada")
  await send("Build.")
  const result = (await blocks()).find(({ type }) => type === "tool_result")
  expect(result).toMatchObject({ result: "built", duration_ms: expect.any(Number) })
  if (result?.type !== "tool_result") throw new Error("no result")
  expect(result.duration_ms).toBeGreaterThanOrEqual(15)
  const output = result.output ?? []
  expect(output.map(({ stream }) => stream)).toEqual(["stdout", "stderr", "stdout"])
  expect(output.map(({ text }) => text).join("")).toHaveLength(4_000)
  expect(output.map(({ text }) => text).join("")).toMatch(/^a+\none error\npassword: \[redacted\]\n$/)
})

it("names the sub-agents of a call, and has the history of each", async () => {
  const { gateway, login } = await createClient(
    [
      [{ type: "toolCall", name: "run_agent", input: { task: "Build it." } }],
      [{ type: "toolCall", name: "build" }],
      [{ type: "text", text: "It is built." }],
      answer,
    ],
    { subAgents: true },
  )
  const { send, blocks, history } = await login("ada")
  await send("Delegate.")
  const result = (await blocks()).find(({ type }) => type === "tool_result")
  const id = result?.type === "tool_result" ? result.sub_agents?.[0]?.sub_agent_id : undefined
  expect(result).toMatchObject({ sub_agents: [{ agent_name: "sub-agent" }] })

  const own = await blocks(`?sub_agent_id=${id}`)
  expect(own).toMatchObject([
    { type: "text", text: expect.stringContaining("Build it.") },
    { type: "tool_call", tool_name: "build" },
    { type: "tool_result", result: "built" },
    { type: "text", text: "It is built." },
  ])
  // Neither another user nor another session of the same user may read it.
  const { sessionId: other } = await gateway
    .run("Hi.", { userId: "ada" })
    .catch(() => ({ sessionId: "none" }))
  for (const missing of [other, "sess_missing"]) {
    expect((await history(`?sub_agent_id=${missing}`)).status).toBe(404)
  }
  const grace = await login("grace")
  const refused = await grace.history(`?sub_agent_id=${id}`)
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    404,
    "sub_agent_not_found",
  ])
})

it("has the reason of a failed run after later runs, and with their pages", async () => {
  const failure = {
    type: "failure",
    code: "invalid_request",
    message: "The provider refused the request.",
  } as const
  const script = [[{ ...failure, providerMessage: "max_tokens is too large" }], answer, [failure], answer]
  const { login } = await createClient(script, { showProviderErrors: "clients" })
  const { send, blocks } = await login("ada")
  for (const message of ["One.", "Two.", "Three.", "Four."]) await send(message)
  const end = {
    ...{ type: "run_end", outcome: "failed", reason: "invalid_request" },
    error: "The provider refused the request.",
  }
  const says = (text: string) => ({ type: "text", text })
  const first = [says("One."), { ...end, provider_message: "max_tokens is too large" }]
  const rest = [says("Two."), says("Done."), says("Three."), end, says("Four."), says("Done.")]
  expect(await blocks()).toEqual([...first, ...rest])
  expect(await blocks("?limit=1")).toEqual(rest.slice(4))
  expect(await blocks("?limit=2")).toEqual(rest.slice(2))
})
