import { setTimeout as delay } from "node:timers/promises"
import { systemClock } from "../src/core/clock.ts"
import { isJsonObject, type JsonObject } from "../src/core/json.ts"
import type { Secrets } from "../src/core/ports/secrets.ts"
import type { InputGiven, Tool, ToolOutcome } from "../src/core/ports/tool.ts"
import type { Question, QuestionAnswer } from "../src/core/question.ts"
import type { McpOAuthDefinition } from "../src/mcp/config/definition.ts"
import { toServerConfigs } from "../src/mcp/config/server-config.ts"
import { createAuthorizations } from "../src/mcp/oauth/authorizations.ts"
import { type McpServers, startMcpServers } from "../src/mcp/servers.ts"
import { withDefaults } from "../src/sessions/schema-defaults.ts"

/**
 * The gateway's MCP layer as a client under test: connects to the server whose URL is the last argument, calls each of
 * its tools once, and plays the person who authorizes. See scripts/mcp-conformance.mjs.
 */
const { MCP_CONFORMANCE_SCENARIO: scenario = "", MCP_CONFORMANCE_CONTEXT = "{}" } = process.env
const context: unknown = JSON.parse(MCP_CONFORMANCE_CONTEXT)
const redirectUrl = "http://localhost:3000/callback"
const readyWithinMs = 30_000
/** A server that asks for ever more is left alone. */
const mostLinks = 2
const mostRounds = 10
const principal = { tenant: "conformance", userId: "conformance" }
const url = process.argv.at(-1) ?? ""

function oauth(): McpOAuthDefinition {
  const { client_id: clientId, client_secret: clientSecret } = isJsonObject(context) ? context : {}
  return {
    clientMetadataUrl: "https://conformance-test.local/client-metadata.json",
    ...(scenario.includes("client-credentials") && { grant: "client_credentials" as const }),
    ...(typeof clientId === "string" && { clientId }),
    ...(typeof clientSecret === "string" && { clientSecret }),
  }
}

function memorySecrets(): Secrets {
  const secrets = new Map<string, string>()
  return {
    get: async (name) => secrets.get(name) ?? null,
    put: async (name, value) => void secrets.set(name, value),
    async replace(name, expected, value) {
      if ((secrets.get(name) ?? null) !== expected) return false
      secrets.set(name, value)
      return true
    },
    remove: async (name) => void secrets.delete(name),
  }
}

const log = (fields: object, message: string) => console.error(message, fields)
const logger = { debug: log, info: log, warn: log, error: log }
const configs = toServerConfigs(
  { conformance: { url, oauth: oauth() } },
  { defaultToolTimeoutMs: 60_000, timeoutOverrides: {}, sessionInjectServers: [] },
)
const authorizations = createAuthorizations({
  configs,
  secrets: memorySecrets(),
  clock: systemClock,
  redirectUrl,
  clientName: "ai-agent-gateway",
  logger,
})
const servers = startMcpServers({
  configs,
  identity: { name: "ai-agent-gateway", version: "0.0.0" },
  logger,
  authorize: authorizations.authorize,
})

/** What a person's browser does at the link. */
async function authorize(link: string): Promise<void> {
  const response = await fetch(link, { redirect: "manual" })
  const location = response.headers.get("location")
  if (location === null) throw new Error(`The authorization endpoint answered ${response.status}.`)
  const server = await authorizations.complete(new URL(location).searchParams)
  if (server === null) throw new Error("The authorization was not taken.")
}

/** Resolves to whether the server is ready, in time and without further authorization. */
async function untilReady(): Promise<boolean> {
  const links = new Set<string>()
  for (const end = Date.now() + readyWithinMs; Date.now() < end && links.size <= mostLinks; await delay(20)) {
    const state = servers.states().conformance
    if (state?.status === "ready") return true
    if (state?.status === "failed") return false
    if (state?.status !== "needs_reauth" || state.url === null || links.has(state.url)) continue
    links.add(state.url)
    await authorize(state.url)
  }
  return false
}

/** Where the scenario does not say. A tool that takes an object is shown the schema of the first tool. */
function sampleInput({ inputSchema: { properties } }: Tool, first: Tool): JsonObject {
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

/** The calls to make: those of the scenario, or each tool once. */
function callsOf(tools: readonly Tool[]): readonly { readonly tool: Tool; readonly input: JsonObject }[] {
  const [first] = tools
  if (first === undefined) return []
  const wanted = isJsonObject(context) && Array.isArray(context.toolCalls) ? context.toolCalls : []
  if (wanted.length === 0) return tools.map((tool) => ({ tool, input: sampleInput(tool, first) }))
  return wanted.flatMap(({ name, arguments: input }: { name: string; arguments: JsonObject }) => {
    const tool = tools.find((candidate) => candidate.name === name)
    return tool === undefined ? [] : [{ tool, input }]
  })
}

/** Accepts whatever is asked, as a person does who leaves each form as it is. */
function accept(question: Question): QuestionAnswer {
  return { action: "accept", content: question.mode === "form" ? withDefaults(question.schema, {}) : null }
}

async function call(tool: Tool, input: JsonObject): Promise<void> {
  let answered: InputGiven | null = null
  for (let round = 0; round < mostRounds; round++) {
    const outcome: ToolOutcome = await tool.execute(input, {
      signal: AbortSignal.timeout(60_000),
      session: { id: "session", userId: "conformance", channel: null },
      runId: "run",
      toolCallId: "call",
      idempotencyKey: "call",
      answered,
      ask: async (question) => accept(question),
      emit: () => undefined,
      logger,
    })
    if (outcome.type !== "inputRequired") return
    answered = { continuation: outcome.continuation, ...accept(outcome.question) }
  }
}

async function main(all: McpServers): Promise<void> {
  if (!(await untilReady())) throw new Error("The server was not ready.")
  const view = await all.open(principal)
  for (const { tool, input } of callsOf(view.tools([]))) {
    try {
      await call(tool, input)
    } catch (error) {
      log({ error }, `${scenario}: ${tool.name} failed`)
      // Further authorization was asked for during the call.
      if (all.states().conformance?.status === "needs_reauth" && (await untilReady())) await call(tool, input)
    }
  }
}

try {
  await main(servers)
} catch (error) {
  log({ error }, scenario)
  process.exitCode = 1
} finally {
  await servers.close()
}
