import type { ChosenProvider } from "../../adapters/providers/choose/choose-provider.ts"
import type { EnvironmentSettings } from "../../adapters/providers/choose/environment.ts"
import { createAppProviders, type RunProviders } from "../../adapters/providers/choose/run-providers.ts"
import type { Ids } from "../../core/ids.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Provider } from "../../core/ports/model/provider.ts"
import type { Audience, PluginRun, ToolSource } from "../../core/ports/plugin.ts"
import type { Approvals } from "../../core/ports/store/approvals.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { Subscriber } from "../../core/ports/store/subscriptions.ts"
import type { OpenedFile, SandboxReports } from "../../core/ports/tools/sandbox.ts"
import type { SchemaCheck } from "../../core/ports/tools/schema-check.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { RunnerRequest } from "../../core/runs/runner.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { FindAuthorization } from "../../http/routes/mcp-callback.ts"
import type { AgentRoute } from "../../http/routes/plugin-routes.ts"
import type { ModelRuntime } from "../../kernel/agent/agent-runtime.ts"
import type { AttachedObserver } from "../../kernel/agent/observing/join-observers.ts"
import { compactionSchemas } from "../../kernel/compaction/options.ts"
import type { CheckClientTools } from "../../kernel/sessions/accept-message.ts"
import type { Storage } from "../../kernel/sessions/storage.ts"
import type { ResolveRuntime } from "../../kernel/sessions/worker/runtime-resolver.ts"
import type { PrepareImages } from "../../kernel/tools/images/prepare-images.ts"
import {
  createToolChangeLog,
  createToolCheck,
  type ReportedChange,
  type ReportToolChange,
} from "../../kernel/tools/offer/tool-offers.ts"
import { createLineMask } from "../../platform/logging/line-mask.ts"
import { pickOptions } from "../../platform/options/resolve-options.ts"
import type { PrepareOptions } from "../gateway.ts"
import type { Hooks } from "../hooks/hooks.ts"
import { collectObservers } from "../hooks/observers.ts"
import type { ProbedModels } from "../operate/probe-models.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"
import { type ResolvedChatRuntime, resolveChatRuntime } from "../options/runtime-options.ts"
import { createPlugins } from "../plugins/built-in-plugins.ts"
import { checkPlugins } from "../plugins/check-plugins.ts"
import type { LivePlace } from "../plugins/live-parts.ts"
import {
  closePlugins,
  interruptPlugins,
  type OpenedPlugin,
  openPlugins,
  startPlugins,
} from "../plugins/open-plugins.ts"
import { createEmptyView, openRun, requirePlugins } from "../plugins/open-run.ts"
import { collectOutboxHandlers } from "../plugins/outbox-handlers.ts"
import { createPluginServices } from "../plugins/plugin-services.ts"
import { collectRoutes } from "../plugins/routes.ts"
import { collectSubscribers } from "../plugins/subscribers.ts"
import type { Check } from "../readiness.ts"
import type { AgentDefinition } from "./agent-definition.ts"
import { checkForAllRuns, selectPluginOptions, selectPluginSettings, toAgentRuntime } from "./chat-runtime.ts"
import { createProviderChooser } from "./credentials.ts"
import { allowsClientTool, findUnusableTool } from "./declared-tools.ts"
import { createGuess } from "./guessed-model.ts"
import { createRuntimeMemo } from "./runtime-memo.ts"
import type { UserCode } from "./user-code.ts"

/** An agent's definition with the provider that was chosen for it. */
export interface ChosenAgent extends AgentDefinition {
  readonly chosen: ChosenProvider
}

/** One agent of a running gateway, with its plugins and its runtime. */
export interface AgentService {
  readonly name: string
  readonly allowedModels: readonly string[] | undefined
  /** Null if clients may not declare tools. */
  readonly checkClientTools: CheckClientTools | null
  /** If true, the application builds the runtime of each run, and receives the HTTP request. */
  readonly usesRequests: boolean
  readonly resolveRuntime: ResolveRuntime
  /** Handlers of the plugins by method and path. */
  readonly routes: ReadonlyMap<string, AgentRoute>
  /** Null if no plugin of the agent can request authorization. */
  readonly findAuthorization: FindAuthorization | null
  /** Opens a file that a plugin keeps for a session. Null if there is none. */
  openFile(sessionId: string, path: string): Promise<OpenedFile | null>
  /**
   * Checks the agent's dependencies, by name. For an operator, also reports the tools that its models see in a
   * changed form.
   */
  checks(audience: Audience): Promise<Readonly<Record<string, Check>>>
  /** Returns the external sources of the agent's tools, such as MCP servers. */
  toolSources(): readonly ToolSource[]
  /** Returns the sandboxes of the agent's code. Empty without code execution. */
  sandboxes(): readonly SandboxReports[]
  /** Resolves to the models that all runs call. Null if each run has its own, and for a runner. */
  probedModels(): Promise<ProbedModels | null>
  /** Subscribers of the plugins. Their names are unique among all agents. */
  readonly subscribers: readonly Subscriber[]
  /** Observers of the plugins. */
  readonly observers: readonly AttachedObserver[]
  /** Handlers of the plugins' outbox items, by the stored kind. */
  readonly outbox: ReturnType<typeof collectOutboxHandlers>
  /** Starts the plugins' own work. */
  start(): Promise<void>
  /** Ends everything that runs may wait for. They continue without it. */
  interrupt(): Promise<void>
  close(): Promise<void>
}

export interface GatewayParts {
  readonly server: ResolvedServer
  readonly isDefault: boolean
  /** Names of all agents of the gateway. */
  readonly agentNames: readonly string[]
  readonly settings: EnvironmentSettings
  readonly mode: PrepareOptions["mode"]
  readonly store: Store
  readonly storage: Storage
  /** The parts of the gateway that exist once it is open. */
  readonly live: LivePlace
  readonly userCode: UserCode
  readonly prepareImages: PrepareImages
  readonly checkSchema: SchemaCheck
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  /** Aborted when the gateway closes, including during its start. */
  readonly closing: AbortSignal
}

/** Opens the parts of one agent. If the agent cannot work, closes the opened parts and rejects. */
export async function openAgent(agent: ChosenAgent, parts: GatewayParts): Promise<AgentService> {
  const { name, options } = agent
  const { server, settings, closing, logger } = parts
  const plugins = await openPlugins(createPlugins(options, server, settings), {
    servicesFor: createPluginServices(name, parts),
    isBuiltIn: (plugin) => !options.plugins.includes(plugin),
    logger,
    signal: closing,
  })
  try {
    return await startAgent(agent, parts, plugins)
  } catch (error) {
    await closePlugins(plugins, logger)
    throw error
  }
}

async function startAgent(
  agent: ChosenAgent,
  parts: GatewayParts,
  plugins: readonly OpenedPlugin[],
): Promise<AgentService> {
  const { name, options } = agent
  const { store, logger } = parts
  const { grants } = store.approvals
  const { resolveRuntime, checkTools, checkClientTools, modelRuntime } = await createRuntimeResolver(
    agent,
    parts,
    { grants, plugins },
  )
  const authorizations = plugins.flatMap(({ parts }) => parts.findAuthorization ?? [])
  return {
    name,
    allowedModels: options.allowedModels,
    checkClientTools,
    usesRequests: typeof agent.buildChatRuntime === "function",
    resolveRuntime,
    routes: collectRoutes(plugins),
    outbox: collectOutboxHandlers(name, plugins),
    findAuthorization: authorizations.length === 0 ? null : (callback) => findFirst(authorizations, callback),
    async openFile(sessionId, path) {
      return findFirst(
        plugins.flatMap(({ parts }) => parts.openFile ?? []),
        sessionId,
        path,
      )
    },
    async checks(audience) {
      const tools = audience.isOperator ? await checkTools() : null
      return {
        ...(await checkPlugins(plugins, audience, logger)),
        ...(tools !== null && { tools: createToolCheck(tools) }),
      }
    },
    toolSources: () => plugins.flatMap(({ parts }) => parts.toolSources?.() ?? []),
    sandboxes: () => plugins.flatMap(({ parts }) => parts.provides?.sandboxes ?? []),
    async probedModels() {
      const runtime = await modelRuntime()
      if (runtime === null) return null
      const { models, pricing, maxTokens } = runtime
      return { agent: name, models, pricing, maxTokens }
    },
    subscribers: collectSubscribers(name, plugins, logger),
    observers: collectObservers(name, plugins),
    start: () => startPlugins(plugins),
    interrupt: () => interruptPlugins(plugins, logger),
    close: () => closePlugins(plugins, logger),
  }
}

/** Calls one function after the other. Resolves to the first result that is not null. */
async function findFirst<Args extends readonly unknown[], Result>(
  functions: readonly ((...args: Args) => Promise<Result | null>)[],
  ...args: Args
): Promise<Result | null> {
  for (const call of functions) {
    const result = await call(...args)
    if (result !== null) return result
  }
  return null
}

/** Maximum bytes of a tool result that a runner's model receives at once, for plugins. */
const maxRunnerResultBytes = 100_000

/** A run that is about to be executed, or a request for the agent's tools. */
type OpenedRun = Pick<PluginRun, "session" | "role" | "message" | "showStatus" | "signal">

interface ResolverParts {
  readonly grants: Approvals["grants"]
  readonly plugins: readonly OpenedPlugin[]
}

/**
 * Calls `buildChatRuntime` and applies the defaults. Rejects at once if a runtime of all runs cannot work, or if its
 * provider is not installed.
 */
async function createRuntimeResolver(
  { chosen, name, options, provider, resolveCredentials, buildChatRuntime }: ChosenAgent,
  { server, settings, mode, userCode, prepareImages, checkSchema, logger, closing }: GatewayParts,
  { grants, plugins }: ResolverParts,
): Promise<RuntimeResolver> {
  const providersFor = createProviderChooser(chosen, provider, settings, resolveCredentials)
  const { redact } = server
  const { allowClientTools } = options
  const shared = {
    memo: createRuntimeMemo(),
    agent: name,
    allowedModels: options.allowedModels,
    compaction: pickOptions(compactionSchemas, options),
    clientTools: [],
    instructions: null,
    role: null,
    listTools: async (own: readonly Tool[]) => own,
    followHooks: (hooks: Hooks) => userCode.followHooks(hooks),
    callbackTimeoutMs: userCode.timeoutMs,
    outputFilter: redact === undefined ? null : () => createLineMask(redact),
    follow: userCode.follow,
    grants,
    prepareImages,
    checkSchema,
    reportToolChange: createToolChangeLog(logger),
    logger,
  }
  const guess = createGuess(chosen, { mode, localServer: settings.localServer, logger })
  const takeGuessFor = (chat: ResolvedChatRuntime, providers: RunProviders) => {
    const asksForModel = !("runner" in chat) && chat.provider === undefined
    if (asksForModel && providers.main === chosen.provider) guess.use()
  }
  /**
   * Returns the tools of runs without a session. Tools of servers that each user must authorize are not among them.
   */
  const listOwnTools = async (chat: ResolvedChatRuntime) => {
    if ("runner" in chat) return []
    return (await openFor(chat, look)).tools(chat.tools)()
  }
  const isStarting = () => plugins.some(({ parts }) => parts.isStarting?.() === true)
  const openFor = (chat: ResolvedChatRuntime, run: OpenedRun) => {
    if ("runner" in chat) return createEmptyView(shared)
    // Without a session, nothing is awaited.
    const ready =
      run.session !== null ? plugins : plugins.filter(({ parts }) => parts.isStarting?.() !== true)
    const pluginSettings = selectPluginSettings(chat)
    requirePlugins(pluginSettings, plugins)
    return openRun(ready, { ...run, ...selectPluginOptions(chat), settings: pluginSettings }, shared)
  }
  const servers = plugins.filter(({ name }) => name === "mcp")
  /** Returns a function that lists the tools of MCP servers for a runner, and that waits for starting servers. */
  const listToolsFor =
    (run: OpenedRun): RunnerRequest["listTools"] =>
    async (own) => {
      const settings = { needsApproval: () => false, maxToolResultBytes: maxRunnerResultBytes }
      return (await openRun(servers, { ...run, ...settings }, shared)).tools(own)()
    }
  const look: OpenedRun = { session: null, role: null, message: [], showStatus: () => {}, signal: closing }
  // A provider for which users have their own keys need not work at the start.
  if (typeof buildChatRuntime === "object" && resolveCredentials === undefined) {
    const providers = createAppProviders(chosen, settings)
    takeGuessFor(buildChatRuntime, providers)
    const view = await openFor(buildChatRuntime, look)
    await prepareAll(checkForAllRuns(buildChatRuntime, { ...shared, view, providers, model: null }))
  } else if (provider.provider !== undefined) await prepareAll([chosen.provider])
  const resolveRuntime: ResolveRuntime = async ({ request, message, showStatus, signal, ...run }) => {
    const { session, model } = run
    const chat =
      typeof buildChatRuntime === "object"
        ? buildChatRuntime
        : resolveChatRuntime(
            await userCode.call(
              "buildChatRuntime",
              (stop) => buildChatRuntime({ ...run, ...(request && { request: request() }), signal: stop }),
              signal,
            ),
          )
    const providers = await userCode.call("resolveCredentials", (stop) => providersFor(session, stop), signal)
    takeGuessFor(chat, providers)
    const opened = { session, role: run.role, message, showStatus, signal }
    const view = await openFor(chat, opened)
    const { instructions, byKeyHolder } = run
    const client = { session, byKeyHolder }
    const clientTools = run.clientTools.filter((each) => allowsClientTool(allowClientTools, each, client))
    const parts = {
      clientTools,
      instructions,
      role: run.role,
      listTools: listToolsFor(opened),
      view,
      providers,
      model,
    }
    return toAgentRuntime(chat, { ...shared, ...parts })
  }
  /** Resolves to null if runs have their own runtimes, and for a runner. */
  const createModelRuntime = async (reportToolChange: ReportToolChange = shared.reportToolChange) => {
    if (typeof buildChatRuntime !== "object" || resolveCredentials !== undefined) return null
    const providers = createAppProviders(chosen, settings)
    const view = await openFor(buildChatRuntime, look)
    const runtime = toAgentRuntime(buildChatRuntime, {
      ...shared,
      view,
      providers,
      model: null,
      reportToolChange,
    })
    return runtime.type === "runner" ? null : runtime
  }
  const checkTools = async () => {
    if (isStarting()) return null
    const changes: ReportedChange[] = []
    const runtime = await createModelRuntime((change) => void changes.push(change))
    if (runtime === null) return null
    for (const choice of runtime.models) runtime.toolsFor(choice.provider)
    return changes
  }
  const checkClientTools: CheckClientTools | null =
    allowClientTools === false
      ? null
      : async (tools, client, signal) => {
          const refused = tools.find((each) => !allowsClientTool(allowClientTools, each, client))
          if (refused !== undefined) return { status: "notAllowed", tool: refused.name }
          const own = typeof buildChatRuntime === "object" ? await listOwnTools(buildChatRuntime) : []
          const taken = tools.find(({ name }) => own.some((each) => each.name === name))
          if (taken !== undefined) return { status: "taken", tool: taken.name }
          return findUnusableTool(tools, { checkSchema, owner: client.session, signal })
        }
  return { resolveRuntime, checkTools, checkClientTools, modelRuntime: createModelRuntime }
}

interface RuntimeResolver {
  readonly resolveRuntime: ResolveRuntime
  readonly checkClientTools: CheckClientTools | null
  /**
   * Resolves to the differences between the agent's tools and the tools that its models see. Null if they differ from
   * run to run, and while MCP servers start.
   */
  readonly checkTools: () => Promise<readonly ReportedChange[] | null>
  /** Resolves to the runtime of all runs. Null if each run has its own, and for a runner. */
  readonly modelRuntime: () => Promise<ModelRuntime | null>
}

async function prepareAll(providers: readonly Provider[]): Promise<void> {
  await Promise.all(providers.map((provider) => provider.prepare?.()))
}
