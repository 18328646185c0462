import { untilAborted } from "../agent/until-aborted.ts"
import { CallbackTimeoutError, callBounded } from "../core/call-bounded.ts"
import type { Clock } from "../core/clock.ts"
import type { Ids } from "../core/ids.ts"
import type { Approvals } from "../core/ports/approvals.ts"
import type { Keyring } from "../core/ports/keyring.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Provider } from "../core/ports/provider.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import type { Store } from "../core/ports/store.ts"
import { createHttpApp } from "../http/app.ts"
import type { Readiness } from "../http/routes/status.ts"
import type { McpServerState } from "../mcp/server.ts"
import type { McpServers, McpView } from "../mcp/servers.ts"
import { Committer } from "../sessions/committer.ts"
import { createSessions } from "../sessions/create-sessions.ts"
import { Feed } from "../sessions/feed.ts"
import { startHousekeeping } from "../sessions/housekeeping.ts"
import { ReadQueue } from "../sessions/read-queue.ts"
import type { ResolveRuntime } from "../sessions/runtime-resolver.ts"
import type { Sessions } from "../sessions/sessions.ts"
import { createStorage, defaultStorageBounds, runGrowth } from "../sessions/storage.ts"
import { Worker } from "../sessions/worker.ts"
import { createLineMask } from "../telemetry/line-mask.ts"
import { createMask } from "../telemetry/mask.ts"
import type { CodeToolsOptions } from "../tools/code-execution/code-execution.ts"
import { createImageExaminer } from "../tools/images/image-examiner.ts"
import { createImagePreparation, type PrepareImages } from "../tools/images/prepare-images.ts"
import { createSchemaChecker, type SchemaChecker } from "../tools/schema-check/schema-checker.ts"
import { type ChatRuntime, checkForAllRuns, toAgentRuntime } from "./chat-runtime.ts"
import type { ChosenProvider, ProviderOptions } from "./choose-provider.ts"
import { type CodeExecutionService, openCodeExecution } from "./code-execution.ts"
import type { GatewayAppOptions } from "./create-gateway-app.ts"
import { providersForSession, type ResolveCredentials } from "./credentials.ts"
import { definedOnly } from "./defined-only.ts"
import type { EnvironmentSettings } from "./environment.ts"
import type { PrepareOptions, ReadinessOptions } from "./gateway.ts"
import type { ServerOptions } from "./gateway-options.ts"
import { createGuess } from "./guess.ts"
import type { Hooks } from "./hooks.ts"
import { type GatewayMcp, startMcp } from "./mcp.ts"
import { chooseStore } from "./open-store.ts"
import { packageVersion } from "./package-version.ts"
import { redactedSessions } from "./redacted-sessions.ts"
import { appProviders, type RunProviders } from "./run-providers.ts"
import { storeCheck } from "./store-check.ts"
import { createToolChangeLog, type ReportedChange, type ReportToolChange, toolCheck } from "./tool-offers.ts"
import { followUserCode, type UserCode } from "./user-code.ts"

/** With so many principals that want all places, each still has its share. */
const defaultShares = 4

/** Milliseconds that `onShutdown` may take. The process is about to end, and whoever ends it may not wait long. */
const onShutdownMs = 2_000

/** All parts of a gateway, put together and running. */
export interface Service {
  readonly sessions: Sessions
  readonly keyring: Keyring
  readonly logger: Logger
  readonly takesAnyKey: boolean
  fetch(request: Request, bindings?: object): Response | Promise<Response>
  readiness(options?: ReadinessOptions): Promise<Readiness>
  /** Called before the parts close, with what else is to be stopped first: listeners. */
  onClose(stop: () => Promise<void>): void
  close(graceMs: number): Promise<void>
}

export interface ServiceOptions {
  readonly server: ServerOptions
  readonly chosen: ChosenProvider
  readonly provider: ProviderOptions
  readonly settings: EnvironmentSettings
  readonly resolveCredentials: ResolveCredentials | undefined
  readonly mode: PrepareOptions["mode"]
  readonly idle: NonNullable<PrepareOptions["idle"]>
  readonly buildChatRuntime: GatewayAppOptions["buildChatRuntime"]
  readonly logger: Logger
  readonly clock: Clock
  readonly ids: Ids
  /** Aborted when the gateway is closed, also while it starts. */
  readonly closing: AbortSignal
}

export async function startService(options: ServiceOptions): Promise<Service> {
  const { server, settings, logger, clock } = options
  const store = await chooseStore(server, { clock, logger })
  const schemas = createSchemaChecker()
  let mcp: GatewayMcp | null = null
  let code: CodeExecutionService | null = null
  try {
    mcp = await startMcp(server, {
      settings,
      secrets: store.secrets,
      clock,
      version: packageVersion,
      checkSchema: schemas.check,
      logger,
    })
    code = await openCodeExecution(server.codeExecution ?? false, {
      store: server.store,
      dockerSocket: settings.dockerSocket,
      isKept: async (sessionId) => (await store.log.session(sessionId)) !== null,
      clock,
      logger,
    })
    return await startParts(options, { store, mcp, code, schemas })
  } catch (error) {
    await code?.close()
    await mcp?.close()
    await schemas.close()
    await store.close()
    throw error
  }
}

interface Started {
  readonly store: Store
  readonly mcp: GatewayMcp
  readonly code: CodeExecutionService | null
  readonly schemas: SchemaChecker
}

async function startParts(options: ServiceOptions, { store, mcp, code, schemas }: Started): Promise<Service> {
  const { server, mode, idle, logger, clock, ids, closing } = options
  const { log, keyring, approvals } = store
  const feed = new Feed()
  const reads = new ReadQueue(log)
  const bounds = { ...defaultStorageBounds, ...definedOnly(server.limits ?? {}) }
  const { maxConcurrentRuns = 1_000 } = server
  const committer = new Committer(log, logger)
  const agent = server.name ?? "agent"
  const userCode = followUserCode({ callbackTimeoutMs: server.callbackTimeoutMs ?? 30_000, logger })
  const images = createImageExaminer()
  const { resolveRuntime, checkTools } = await runtimeResolver(options, {
    prepareImages: createImagePreparation(images, logger),
    grants: (sessionId) => approvals.grants(sessionId),
    userCode,
    mcp,
    code,
    checkSchema: schemas.check,
  })
  const worker = new Worker({
    log,
    feed,
    reads,
    committer,
    agents: [agent],
    resolveRuntime,
    maxConcurrentRuns,
    maxConcurrentRunsPerPrincipal:
      server.maxConcurrentRunsPerPrincipal ?? Math.ceil(maxConcurrentRuns / defaultShares),
    maxConcurrentRunsPerTenant:
      server.maxConcurrentRunsPerTenant ??
      Math.ceil((maxConcurrentRuns * (defaultShares - 1)) / defaultShares),
    maxSessionBytes: runGrowth * bounds.sessionBytes,
    clock,
    ids,
    logger,
  })
  const sessions = announcing(
    createSessions({
      log,
      approvals,
      checkSchema: schemas.check,
      feed,
      reads,
      worker,
      storage: createStorage({ log, clock, bounds }),
      agent,
      clock,
      ids,
    }),
    server,
    { userCode, logger },
  )
  let accepting = true
  const app = createHttpApp({
    ...server,
    agent,
    sessions: server.redact === undefined ? sessions : redactedSessions(sessions, server.redact),
    keyring,
    clock,
    logger,
    version: packageVersion,
    readiness: () => readiness({ store, mcp, code }, { accepting, showsLinks: mode === "dev" }),
    openFile: async (sessionId, path) => code?.openFile(sessionId, path) ?? null,
    accepting: () => accepting,
    completeMcpAuthorization: mcp.complete ?? undefined,
    allowLocalhost: mode === "dev",
    logsRequests: mode === "dev",
  })
  await untilAborted(closing, Promise.resolve(server.onStartup?.({ signal: closing })))
  const { sessionRetentionDays = 30 } = server
  if (!idle) await worker.start()
  const stopHousekeeping = idle ? null : startHousekeeping({ log, logger, sessionRetentionDays })
  const listeners: (() => Promise<void>)[] = []

  return {
    sessions,
    keyring,
    logger,
    takesAnyKey: server.validApiKeys === undefined && server.authenticate === undefined,
    fetch: (request, bindings) => app.fetch(request, bindings),
    readiness: async ({ forOperator = false } = {}) => {
      const audience = { showsLinks: forOperator || mode === "dev", showsReasons: forOperator }
      const { ready, checks } = await readiness({ store, mcp, code }, { accepting, ...audience })
      const tools = forOperator ? await checkTools() : null
      return { ready, checks: tools === null ? checks : { ...checks, tools: toolCheck(tools) } }
    },
    onClose: (stop) => listeners.push(stop),
    async close(graceMs) {
      accepting = false
      stopHousekeeping?.()
      // From then on nothing uses the servers, and runs that wait for one to start must not hold up the end.
      const grace = setTimeout(() => void mcp.close(), graceMs)
      await worker.stop({ graceMs })
      clearTimeout(grace)
      feed.close()
      // These take up to two seconds each, and none needs another.
      await Promise.all([
        ...listeners.map((stop) => stop()),
        committer.close(),
        userCode.settle(),
        code?.close(),
        images.close(),
        mcp.close(),
        schemas.close(),
      ])
      await store.close()
      await callOnShutdown(server, logger)
    },
  }
}

/** For looking at a runtime before any server has been asked. */
const noServers: McpView = { tools: () => [], instructions: () => [] }

interface RuntimeParts {
  readonly grants: Approvals["grants"]
  readonly userCode: UserCode
  readonly mcp: McpServers
  readonly code: CodeExecutionService | null
  readonly prepareImages: PrepareImages
  readonly checkSchema: SchemaCheck
}

/**
 * Asks `buildChatRuntime` and fills in what it leaves open. Rejects at once for a runtime of all runs that cannot work, and
 * for a provider that is not installed.
 */
async function runtimeResolver(
  { server, chosen, provider, settings, mode, resolveCredentials, buildChatRuntime, logger }: ServiceOptions,
  { grants, userCode, mcp, code, checkSchema, prepareImages }: RuntimeParts,
): Promise<RuntimeResolver> {
  const providersFor = providersForSession(chosen, provider, settings, resolveCredentials)
  const { onUsage, onToolResult, onToolTiming, onEvent, allowedModels, redact } = server
  const hooks = userCode.followed(definedOnly<Hooks>({ onUsage, onToolResult, onToolTiming, onEvent }))
  const shared = {
    allowedModels,
    hooks,
    callbackTimeoutMs: userCode.timeoutMs,
    outputFilter: redact === undefined ? null : () => createLineMask(createMask(redact)),
    follow: userCode.follow,
    grants,
    prepareImages,
    checkSchema,
    codeTools: (codeOptions: CodeToolsOptions) => code?.tools(codeOptions) ?? [],
    reportToolChange: createToolChangeLog(logger),
    logger,
  }
  const guess = createGuess(chosen, { mode, localServer: settings.localServer, logger })
  const useGuessFor = (chat: ChatRuntime, providers: RunProviders) => {
    const asksForModel = !("runner" in chat) && chat.provider === undefined
    if (asksForModel && providers.main === chosen.provider) guess.use()
  }
  // What a user's own key stands in for need not work at the start.
  if (typeof buildChatRuntime === "object" && resolveCredentials === undefined) {
    const providers = appProviders(chosen, settings)
    useGuessFor(buildChatRuntime, providers)
    const surroundings = { ...shared, mcp: noServers, providers, model: null }
    await prepareAll(checkForAllRuns(buildChatRuntime, surroundings))
  } else if (provider.provider !== undefined) await prepareAll([chosen.provider])
  const resolveRuntime: ResolveRuntime = async ({ request, signal, ...run }) => {
    const { session, model } = run
    const chat =
      typeof buildChatRuntime === "object"
        ? buildChatRuntime
        : await userCode.call(
            "buildChatRuntime",
            (stop) => buildChatRuntime({ ...run, ...(request && { request: request() }), signal: stop }),
            signal,
          )
    const providers = await userCode.call("resolveCredentials", (stop) => providersFor(session, stop), signal)
    useGuessFor(chat, providers)
    return toAgentRuntime(chat, { ...shared, mcp: await mcp.open(session), providers, model })
  }
  const checkTools = async () => {
    const isStarting = Object.values(mcp.states()).some(({ status }) => status === "starting")
    if (typeof buildChatRuntime !== "object" || resolveCredentials !== undefined || isStarting) return null
    const changes: ReportedChange[] = []
    const reportToolChange: ReportToolChange = (change) => void changes.push(change)
    const providers = appProviders(chosen, settings)
    const surroundings = { ...shared, mcp: await mcp.open(null), providers, model: null, reportToolChange }
    const runtime = toAgentRuntime(buildChatRuntime, surroundings)
    if (runtime.type === "runner") return null
    for (const choice of runtime.models) runtime.toolsFor(choice.provider)
    return changes
  }
  return { resolveRuntime, checkTools }
}

interface RuntimeResolver {
  readonly resolveRuntime: ResolveRuntime
  /**
   * Resolves to the differences between the agent's tools and those that its models see. Null where they differ from run
   * to run, and while MCP servers start.
   */
  readonly checkTools: () => Promise<readonly ReportedChange[] | null>
}

async function prepareAll(providers: readonly Provider[]): Promise<void> {
  await Promise.all(providers.map((provider) => provider.prepare?.()))
}

async function callOnShutdown({ onShutdown }: ServerOptions, logger: Logger): Promise<void> {
  if (onShutdown === undefined) return
  try {
    await callBounded((signal) => onShutdown({ signal }), { name: "onShutdown", timeoutMs: onShutdownMs })
  } catch (error) {
    if (!(error instanceof CallbackTimeoutError)) throw error
    logger.warn({ error, hook: "onShutdown" }, "A hook did not return in time. The gateway is closed.")
  }
}

/** Calls `onSessionCreated` for each new session. If the hook fails, that is logged, and the session is kept. */
function announcing(
  sessions: Sessions,
  { onSessionCreated }: ServerOptions,
  { userCode, logger }: { readonly userCode: UserCode; readonly logger: Logger },
): Sessions {
  if (onSessionCreated === undefined) return sessions
  return {
    ...sessions,
    async create(principal) {
      const session = await sessions.create(principal)
      try {
        const created = { id: session.id, ...principal }
        await userCode.call("onSessionCreated", (signal) => onSessionCreated(created, { signal }))
      } catch (error) {
        const fields = { error, hook: "onSessionCreated", sessionId: session.id }
        logger.error(fields, "A hook failed. The session is kept.")
      }
      return session
    },
  }
}

/** The gateway is ready without the tools of an MCP server that is away, and without code execution. */
async function readiness(
  { store, mcp, code }: Omit<Started, "schemas">,
  { accepting, ...audience }: { readonly accepting: boolean } & Audience,
) {
  const check = await storeCheck(store.log)
  const servers = Object.entries(mcp.states()).map(([name, state]) => {
    return [`mcp:${name}`, serverCheck(state, audience)] as const
  })
  const execution = code === null ? {} : { code_execution: await code.check() }
  return {
    ready: accepting && check.ok,
    checks: { store: check, ...execution, ...Object.fromEntries(servers) },
  }
}

/**
 * Anyone may ask for the readiness over HTTP. Whoever opens a link lets the gateway in with an account of their own, and
 * a reason may quote what a server printed: everybody else finds both in the log.
 */
interface Audience {
  readonly showsLinks: boolean
  readonly showsReasons?: boolean
}

function serverCheck(state: McpServerState, { showsLinks, showsReasons = false }: Audience) {
  if (state.status === "ready") return { ok: true }
  const link = state.status === "needs_reauth" && showsLinks ? state.url : null
  const reason = state.status === "failed" && showsReasons ? state.reason : null
  return { ok: false, detail: [state.status, link ?? reason].filter((part) => part !== null).join(": ") }
}
