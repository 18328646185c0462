import { z } from "zod"
import { codeExecutionSchema } from "../../code-execution/options.ts"
import { compactionSchemas } from "../../compaction/options.ts"
import { ConfigurationError } from "../../core/errors.ts"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { largeResultsSchemas } from "../../large-results/options.ts"
import { parseDefinitions } from "../../mcp/config/parse-definitions.ts"
import { type McpOptions, mcpSchemas } from "../../mcp/options.ts"
import { memorySchema } from "../../memory/options.ts"
import { describeIssues } from "../../options/describe-issues.ts"
import { providerOptions } from "../../providers/choose/options.ts"
import { schedulesSchemas } from "../../schedules/options.ts"
import { skillSchemas } from "../../skills/options.ts"
import { subAgentsSchema } from "../../sub-agents/options.ts"
import { hookOptions } from "../hooks/hooks.ts"
import { isPostgresUrl } from "../open-store.ts"
import type { AgentServerOptions, SharedServerOptions } from "./gateway-options.ts"
import { runOptions, systemPrompt } from "./runtime-options.ts"

const aFunction = z.custom<unknown>((value) => typeof value === "function", "expected a function")
const callback = aFunction.optional()
const object = z.custom<unknown>((value) => typeof value === "object" && value !== null, "expected an object")
const aPlugin = z.custom<unknown>((value) => {
  const { name, setup } = Object(value) as { readonly [key: string]: unknown }
  return typeof name === "string" && typeof setup === "function"
}, "expected a plugin: an object with a name and a setup function")
const strings = z.array(z.string().min(1)).optional()
const count = z.int().positive().optional()

const milliseconds = z.int().positive().max(longestTimerMs)
/** Past it, parsing and checking one body would hold up the event loop for more than 20 ms. */
const maxJsonValues = 100_000

/** A misspelled word or the address of another database must not become the name of a folder. */
const store = z.custom<unknown>((value) => {
  if (typeof value !== "string") return typeof value === "object" && value !== null
  if (value === "memory" || isPostgresUrl(value)) return true
  return /[/\\.]/.test(value) && !/^[a-z][\w+.-]*:\/\//i.test(value)
}, 'expected "memory", a path with a slash or a dot, a postgres:// URL, or a store such as sqliteStore(path)')

const consoleChoice = z.union([z.boolean(), z.strictObject({ operatorKey: z.string().min(16).optional() })])

/** RFC 9110, section 5.1: a token. `*` is one, but it would not cover `authorization`. */
const headerName = /^[A-Za-z0-9!#$%&'+.^_`|~-]+$/

const rateLimits = z.strictObject({
  initPerMinute: count,
  requestsPerMinute: count,
  failuresPerMinute: count,
})

const limits = z.strictObject({
  chatBodyBytes: count,
  bodyBytes: count,
  jsonDepth: count,
  jsonValues: z.int().positive().max(maxJsonValues).optional(),
  connectionsPerAddress: count,
  viewersPerSession: count,
  sessionBytes: count,
  principalBytes: count,
})

/** A path segment, so it may not be `.` or `..`. */
const agentName = z
  .string()
  .regex(
    /^\w[\w.-]{0,63}$/,
    "expected 1 to 64 letters, digits, dots, dashes or underscores, not a dot or dash first",
  )

/** Options of a server that all its agents share. */
const sharedServer = {
  store: store.optional(),
  durability: z.enum(["process", "full"]).optional(),
  prefix: z.string().startsWith("/").optional(),
  validApiKeys: strings,
  authenticate: callback,
  jwtSecret: z.string().optional(),
  sessionTtlSeconds: count,
  sessionRetentionDays: z.number().positive().optional(),
  keepDeltasSeconds: z.number().nonnegative().optional(),
  allowSystemMessages: z.boolean().optional(),
  allowAnyKey: z.boolean().optional(),
  allowedHosts: strings,
  console: consoleChoice.optional(),
  corsOrigins: strings,
  corsAllowHeaders: z.array(z.string().regex(headerName, "expected the name of a header")).optional(),
  corsAllowMethods: z.array(z.enum(["HEAD", "PATCH", "PUT"])).optional(),
  limits: limits.optional(),
  rateLimits: z.union([z.literal(false), rateLimits]).optional(),
  trustProxy: z.int().nonnegative().optional(),
  maxConcurrentRuns: count,
  maxConcurrentRunsPerPrincipal: count,
  maxConcurrentRunsPerTenant: count,
  placesForNewTenants: z.int().nonnegative().optional(),
  callbackTimeoutMs: milliseconds.optional(),
  shutdownGraceMs: z.int().nonnegative().max(longestTimerMs).optional(),
  mcpOAuthRedirectUrl: z.url({ protocol: /^https?$/ }).optional(),
  secretsKey: z.string().min(32).optional(),
  transcriptDir: z.string().min(1).optional(),
  logger: object.optional(),
  redact: strings,
  clock: object.optional(),
  ids: object.optional(),
  onStartup: callback,
  onShutdown: callback,
  onSessionCreated: callback,
  ...hookOptions,
}

/** Options of the server that each agent has for itself. */
const agentServer = {
  ...mcpSchemas,
  allowedModels: strings,
  allowClientTools: z.union([z.boolean(), z.custom((value) => typeof value === "function")]).optional(),
  codeExecution: codeExecutionSchema.optional(),
  memory: memorySchema.optional(),
  subAgents: subAgentsSchema.optional(),
  plugins: z.array(aPlugin).optional(),
  ...schedulesSchemas,
  ...skillSchemas,
  ...compactionSchemas,
  ...largeResultsSchemas,
}

const server = { name: agentName.optional(), ...sharedServer, ...agentServer }

const { provider, ...credentials } = providerOptions

/** An agent whose runtime is the application's to make. */
const ownRuntime = {
  ...credentials,
  resolveCredentials: callback,
  buildChatRuntime: z.union([aFunction, object], "expected a function or a runtime"),
  defaultProvider: provider,
}

const gatewayApp = z.strictObject({ ...server, ...ownRuntime })

const agent = z.strictObject({ ...server, ...providerOptions, ...runOptions })

const gateway = z.strictObject({
  ...sharedServer,
  agents: z.record(agentName, object).refine((agents) => Object.keys(agents).length > 0, "expected an agent"),
  defaultAgent: z.string().optional(),
})

const ownModelAgent = z.strictObject({ ...agentServer, ...providerOptions, ...runOptions, systemPrompt })
const ownRuntimeAgent = z.strictObject({ ...agentServer, ...ownRuntime })

/** For the documentation's test. */
export const optionNames = {
  createAgent: Object.keys(agent.shape),
  createGatewayApp: Object.keys(gatewayApp.shape),
  createGateway: Object.keys(gateway.shape),
} as const

const grantScope = z.enum(["session", "tree"]).optional()

const approveOptions = z.strictObject({
  userId: z.string().optional(),
  editedInput: object.optional(),
  allowToolType: z.boolean().optional(),
  scope: grantScope,
})

const startOptions = z
  .strictObject({
    sessionId: z.string().optional(),
    userId: z.string().min(1).optional(),
    tenant: z.string().min(1).optional(),
    agent: z.string().optional(),
    context: object.optional(),
    whenBusy: z.enum(["reject", "queue", "interrupt", "steer"]).optional(),
    toolInputDeltas: z.boolean().optional(),
    traceparent: z.string().optional(),
    notBefore: z.int().nonnegative().optional(),
    jobId: z.string().min(1).max(255).optional(),
    notes: z.array(z.string()).optional(),
    limits: z.strictObject({ maxTurns: count, maxBudgetUsd: z.number().nonnegative().optional() }).optional(),
    signal: object.optional(),
  })
  .refine(({ userId, tenant }) => tenant === undefined || userId !== undefined, {
    path: ["tenant"],
    message: "needs userId",
  })

const approvalAnswer = z.strictObject({
  approved: z.unknown(),
  editedInput: object.optional(),
  reason: z.string().optional(),
  allowToolType: z.boolean().optional(),
  scope: grantScope,
})

/** Throws a `ConfigurationError` that names every option that is unknown or wrong, and no value. */
export function checkGatewayAppOptions(options: unknown): void {
  check("createGatewayApp", gatewayApp, options)
  checkMcpServers(options)
}

/** The same for `createAgent`. */
export function checkAgentOptions(prompt: unknown, options: unknown): void {
  check("createAgent", agent, options)
  checkMcpServers(options)
  check("createAgent", z.object({ systemPrompt }), { systemPrompt: prompt })
}

/** The same for `createGateway`, its agents included. */
export function checkGatewayOptions(options: unknown): void {
  check("createGateway", gateway, options)
  for (const [name, definition] of Object.entries((options as { readonly agents: object }).agents)) {
    const caller = `createGateway: agents.${name}`
    check(caller, "buildChatRuntime" in definition ? ownRuntimeAgent : ownModelAgent, definition)
    checkMcpServers(definition)
  }
}

/** Returns those of the options that all agents of a server share. */
export function pickSharedOptions(options: SharedServerOptions): SharedServerOptions {
  return pick(sharedServer, options)
}

/** Returns those of the options that each agent has for itself. */
export function pickAgentServerOptions(options: AgentServerOptions): AgentServerOptions {
  return pick(agentServer, options)
}

/** Returns those of the options that configure MCP servers. */
export function pickMcpOptions(options: McpOptions): McpOptions {
  return pick(mcpSchemas, options)
}

/** Returns the options that are set and belong to the schema, which knows every option there is. */
function pick<Options extends object>(shape: Readonly<Record<string, z.ZodType>>, options: Options): Options {
  const set = Object.entries(options).filter(
    ([name, value]) => value !== undefined && Object.hasOwn(shape, name),
  )
  return Object.fromEntries(set) as Options
}

/** The same for `waits.approve`: with a misspelled `editedInput` the model's own arguments would be approved. */
export function checkApproveOptions(options: unknown): void {
  check("approve", approveOptions, options)
}

/** The same for `run` and `stream`: with a misspelled `sessionId` a new session would be started. */
export function checkStartOptions(caller: string, options: unknown): void {
  check(caller, startOptions, options)
}

/** The same for what `onApproval` returned. */
export function checkApprovalAnswer(answer: unknown): void {
  check("onApproval", approvalAnswer, answer)
}

function checkMcpServers(options: unknown): void {
  const { mcpServers = {} } = options as McpOptions
  parseDefinitions(mcpServers, { name: "mcpServers", unknownKeys: "refused" })
}

function check(name: string, schema: z.ZodType, options: unknown): void {
  const { error } = schema.safeParse(options)
  if (error !== undefined) throw new ConfigurationError(`${name}: ${describeIssues(error, schema)}`)
}
