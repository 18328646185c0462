import { chmod, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openMemoryStore } from "../../src/adapters/stores/sqlite/open.ts"
import { GatewayError, LogTooNewError, StoreUnavailableError } from "../../src/core/errors.ts"
import type { SessionLog } from "../../src/core/ports/store/session-log.ts"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"

export const quiet = { debug() {}, info() {}, warn() {}, error() {} }

const input = { type: "object" } as const
const bookingForm = { ...input, properties: { name: { type: "string" } }, required: ["name"] }

export const tools = [
  tool({
    name: "greet",
    description: "Greets.",
    inputSchema: input,
    execute: (_, { emit }) => emit("hello"),
  }),
  tool({
    name: "hang",
    description: "Answers when it is told to stop.",
    inputSchema: input,
    execute: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  }),
  tool({
    name: "erase",
    description: "Erases what a person allows it to.",
    inputSchema: { ...input, properties: { folder: { type: "string" } }, required: ["folder"] },
    needsApproval: true,
    qualifier: () => "files",
    execute: ({ folder }) => `${folder} is empty`,
  }),
  tool({
    name: "deploy",
    description: "Deploys what an operator allows it to.",
    inputSchema: input,
    needsApproval: true,
    approvalsBy: "operator",
    execute: () => "deployed",
  }),
  tool({
    name: "book",
    description: "Books for whom the user says.",
    inputSchema: input,
    execute: async (_, { ask }) => ask({ mode: "form", message: "Who?", schema: bookingForm }),
  }),
  tool({
    name: "pay",
    description: "Sends the user to pay.",
    inputSchema: input,
    execute: async (_, { ask }) =>
      ask({ mode: "url", message: "Pay.", url: "https://pay.example", elicitationId: null }),
  }),
  tool({
    name: "locate",
    description: "Tells where the client is.",
    inputSchema: input,
    executionLocation: "client",
  }),
]

/** Starts a gateway with small limits and every kind of tool. The test can disturb its store and its clock. */
export async function startGatewayUnderTest() {
  let clockOffsetMs = 0
  let storeFault: Error | null = null
  let isSessionFull = false
  let principalBytes = 0
  let reading: Promise<void> = Promise.resolve()
  const clock = { now: () => Date.now() + clockOffsetMs }
  const { log, secrets, ...store } = await openMemoryStore({ clock, logger: quiet })
  const working = () => (storeFault === null ? Promise.resolve() : Promise.reject(storeFault))
  const faulty: SessionLog = {
    ...log,
    session: (id) => working().then(() => log.session(id)),
    createSession: (session) => working().then(() => log.createSession(session)),
    putAndClaim(message, agents, limits) {
      return log.putAndClaim(
        message,
        agents,
        limits && isSessionFull ? { ...limits, sessionBytes: 0 } : limits,
      )
    },
    storedBytes: async () => principalBytes,
    historyStart: (id, seq) => reading.then(() => log.historyStart(id, seq)),
    ping: () => working().then(() => log.ping()),
  }
  const directory = await mkdtemp(join(tmpdir(), "agent-gateway-contract-"))
  // The users that run the code need to pass through this folder.
  await chmod(directory, 0o711)
  const gateway = createAgent("You answer.", {
    provider: "demo",
    store: {
      ...store,
      log: faulty,
      secrets: { ...secrets, get: (name) => working().then(() => secrets.get(name)) },
    },
    logger: quiet,
    clock,
    tools,
    subAgents: true,
    codeExecution: { backends: ["subprocess"], directory },
    interceptors: [({ toolName }) => ({ action: toolName === "erase" ? "warn" : "allow" })],
    validApiKeys: ["key"],
    allowedModels: ["demo"],
    allowClientTools: ({ name }) => name !== "forbidden",
    allowedHosts: ["gateway.test"],
    limits: {
      chatBodyBytes: 2048,
      bodyBytes: 512,
      jsonDepth: 8,
      jsonValues: 200,
      viewersPerSession: 4,
      principalBytes: 1_000_000,
    },
    rateLimits: false,
    // No server listens at this address. The gateway only needs a server that might require authorization.
    mcpServers: { absent: { url: "http://127.0.0.1:9/mcp" } },
    mcpOAuthRedirectUrl: "http://127.0.0.1/api/mcp/oauth/callback",
    secretsKey: "0123456789abcdef0123456789abcdef",
  })
  return {
    gateway,
    async close() {
      await gateway.close({ graceMs: 0 })
      await removeTree(directory)
    },
    url: (await gateway.listen({ port: 0 })).url,
    /** Makes the store fail with this error from now on. Null ends the failure. */
    failStore(fault: Error | null) {
      storeFault = fault
    },
    /** Makes every session, or every principal, reach its storage limit from now on. */
    fill({ session, principal }: { readonly session: boolean; readonly principal: boolean }) {
      isSessionFull = session
      principalBytes = principal ? 1_000_000 : 0
    },
    /** Delays every read of a history until the returned function is called. */
    holdHistories() {
      const { promise, resolve } = Promise.withResolvers<void>()
      reading = promise
      return resolve
    },
    setClockAhead(milliseconds: number) {
      clockOffsetMs = milliseconds
    },
  }
}

export const storeFaults = [
  [new StoreUnavailableError(), { status: 503, code: "store_unavailable" }],
  [new LogTooNewError(), { status: 503, code: "log_too_new" }],
  [
    new GatewayError({ code: "server_busy", status: 503, retryable: true }, "Too many sessions are read."),
    { status: 503, code: "server_busy" },
  ],
  [new Error("secret at /a/path"), { status: 500, code: "internal_error" }],
] as const
