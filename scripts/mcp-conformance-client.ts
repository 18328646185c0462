import { setTimeout as delay } from "node:timers/promises"
import { isJsonObject, type JsonObject } from "../src/core/json/json.ts"
import type { McpOAuthDefinition } from "../src/features/mcp/config/definition.ts"
import { createAgent } from "../src/gateway/create-agent.ts"
import { type ScriptedTurn, scriptedProvider } from "../src/testing/provider/scripted-provider.ts"
import type { ChatEvent } from "../src/wires/native/schemas/events.ts"
import { eventStream } from "../test/end-to-end/support/event-stream.ts"

/**
 * Runs a gateway as the client under test. The gateway connects to the server whose URL is the last argument. This
 * program also plays the model, which calls each tool once, and the user, who sends messages by `POST /chat`, answers
 * the tools' questions and authorizes the gateway. See scripts/mcp-conformance.mjs.
 */
const { MCP_CONFORMANCE_SCENARIO: scenario = "", MCP_CONFORMANCE_CONTEXT = "{}" } = process.env
const context: unknown = JSON.parse(MCP_CONFORMANCE_CONTEXT)
const readyWithinMs = 60_000
/** Maximum number of authorizations. A server that requires more of them is given up. */
const mostLinks = 2
const url = process.argv.at(-1) ?? ""
const origin = "http://localhost:3000"

function oauth(): McpOAuthDefinition {
  const { client_id: clientId, client_secret: clientSecret } = isJsonObject(context) ? context : {}
  return {
    clientMetadataUrl: "https://conformance-test.local/client-metadata.json",
    ...(scenario.includes("client-credentials") && { grant: "client_credentials" as const }),
    ...(typeof clientId === "string" && { clientId }),
    ...(typeof clientSecret === "string" && { clientSecret }),
  }
}

const log = (fields: object, message: string) => console.error(message, fields)
const turns: ScriptedTurn[] = []
const model = scriptedProvider(() => {
  const turn = turns.shift() ?? [{ type: "text", text: "done" }]
  return typeof turn === "function" ? [] : turn
})
const gateway = createAgent("You call tools.", {
  provider: model,
  store: "memory",
  mcpServers: { conformance: { url, oauth: oauth(), startTimeoutMs: readyWithinMs } },
  mcpDefaultToolTimeoutMs: 60_000,
  publicUrl: origin,
  logger: { debug: log, info: log, warn: log, error: log },
})

async function post(path: string, body: object, token?: string): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  const response = await gateway.fetch(
    new Request(`${origin}/api${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
  )
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response
}

interface CheckOfServer {
  readonly ok: boolean
  readonly detail?: string
}

async function serverCheck(): Promise<CheckOfServer | undefined> {
  const response = await gateway.fetch(new Request(`${origin}/api/ready`))
  const { checks } = (await response.json()) as { readonly checks: Record<string, CheckOfServer> }
  return checks["mcp:conformance"]
}

/** Opens the link, as a user's browser does. */
async function authorize(link: string): Promise<void> {
  const response = await fetch(link, { redirect: "manual" })
  const location = response.headers.get("location")
  if (location === null) throw new Error(`The authorization endpoint answered ${response.status}.`)
  // The page at this address has a form that sends this request.
  const callback = await gateway.fetch(new Request(new URL(location, origin), { method: "POST" }))
  if (!callback.ok) throw new Error(`The callback answered ${callback.status}: ${await callback.text()}`)
}

/** Resolves to true if the server becomes ready in time and without further authorization. */
async function untilReady(): Promise<boolean> {
  const links = new Set<string>()
  for (const end = Date.now() + readyWithinMs; Date.now() < end && links.size <= mostLinks; await delay(20)) {
    const check = await serverCheck()
    if (check?.ok === true) return true
    if (check?.detail?.startsWith("failed") === true) return false
    const link = /^needs_reauth: (.+)$/.exec(check?.detail ?? "")?.[1]
    if (link === undefined || links.has(link)) continue
    links.add(link)
    await authorize(link)
  }
  return false
}

interface OfferedTool {
  readonly name: string
  readonly inputSchema: JsonObject
}

/**
 * Returns an input for a scenario that specifies none. A tool that takes an object receives the schema of the first
 * tool.
 */
function sampleInput({ inputSchema: { properties } }: OfferedTool, first: OfferedTool): JsonObject {
  if (!isJsonObject(properties)) return {}
  const samples: JsonObject = {
    string: "sample",
    number: 5,
    integer: 5,
    boolean: true,
    array: [],
    object: first.inputSchema,
  }
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const { type, default: preset } = isJsonObject(schema) ? schema : {}
      return [name, preset ?? samples[String(type)] ?? first.inputSchema]
    }),
  )
}

interface ModelCall {
  readonly name: string
  readonly input: JsonObject
}

/** Returns the calls to make: those of the scenario, or one call of each tool. */
function callsOf(tools: readonly OfferedTool[]): readonly ModelCall[] {
  const [first] = tools
  if (first === undefined) return []
  const wanted = isJsonObject(context) && Array.isArray(context.toolCalls) ? context.toolCalls : []
  if (wanted.length === 0) return tools.map((tool) => ({ name: tool.name, input: sampleInput(tool, first) }))
  return wanted.map(({ name, arguments: input }: { name: string; arguments: JsonObject }) => ({
    name,
    input,
  }))
}

/** Sends a message and answers all questions, like a user who submits each form unchanged. */
async function chat(token: string, turn: ScriptedTurn): Promise<readonly ChatEvent[]> {
  turns.push(turn)
  const stream = eventStream(await post("/chat", { message: "Go on." }, token))
  const events: ChatEvent[] = []
  for (let frame = await stream.next(); frame !== null; frame = await stream.next()) {
    const { event } = frame
    events.push(event)
    if (event.type !== "elicitation_request") continue
    const { tool_call_id, nonce, mode } = event
    const answer = { action: "accept", ...(mode === "form" && { content: {} }) }
    await post("/chat/elicitation", { tool_call_id, nonce, ...answer }, token)
  }
  return events
}

async function main(): Promise<void> {
  await gateway.prepare({ mode: "dev", env: {} })
  if (!(await untilReady())) throw new Error("The server was not ready.")
  const init = await post("/chat/init", { api_key: "conformance" })
  const { session_token: token } = (await init.json()) as { readonly session_token: string }
  await chat(token, [{ type: "text", text: "Hello." }])
  for (const { name, input } of callsOf(model.requests.at(-1)?.tools ?? [])) {
    const call = () => chat(token, [{ type: "toolCall", name, input }])
    const events = await call()
    log({ events: JSON.stringify(events) }, `${scenario}: ${name}`)
    // The server required further authorization during the call.
    if ((await serverCheck())?.ok === false && (await untilReady())) await call()
  }
}

try {
  await main()
} catch (error) {
  log({ error }, scenario)
  process.exitCode = 1
} finally {
  await gateway.close({ graceMs: 0 })
}
