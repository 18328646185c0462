import type { ChosenProvider } from "../../adapters/providers/choose/choose-provider.ts"
import type { EnvironmentSettings } from "../../adapters/providers/choose/environment.ts"
import type { Ids } from "../../core/ids.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Audience, ToolSource } from "../../core/ports/plugin.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { Subscriber } from "../../core/ports/store/subscriptions.ts"
import type { OpenedFile, SandboxReports } from "../../core/ports/tools/sandbox.ts"
import type { SchemaCheck } from "../../core/ports/tools/schema-check.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { FindAuthorization } from "../../http/routes/mcp-callback.ts"
import type { AgentRoute } from "../../http/routes/plugin-routes.ts"
import type { AttachedObserver } from "../../kernel/agent/observing/join-observers.ts"
import type { CheckClientTools } from "../../kernel/sessions/accept-message.ts"
import type { Storage } from "../../kernel/sessions/storage.ts"
import type { ResolveRuntime } from "../../kernel/sessions/worker/runtime-resolver.ts"
import type { PrepareImages } from "../../kernel/tools/images/prepare-images.ts"
import { createToolCheck } from "../../kernel/tools/offer/tool-offers.ts"
import type { PrepareOptions } from "../gateway.ts"
import { collectObservers } from "../hooks/observers.ts"
import type { ProbedModels } from "../operate/probe-models.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"
import { createPlugins } from "../plugins/built-in-plugins.ts"
import { checkPlugins } from "../plugins/check-plugins.ts"
import type { LivePlace } from "../plugins/live-parts.ts"
import { closePlugins, interruptPlugins, openPlugins, startPlugins } from "../plugins/open-plugins.ts"
import { collectOutboxHandlers } from "../plugins/outbox-handlers.ts"
import { createPluginServices } from "../plugins/plugin-services.ts"
import { collectRoutes } from "../plugins/routes.ts"
import { collectSubscribers } from "../plugins/subscribers.ts"
import type { Check } from "../readiness.ts"
import type { AgentDefinition } from "./agent-definition.ts"
import {
  checkClientTools,
  createRuntimes,
  findToolChanges,
  listSharedTools,
  openModelRuntime,
  prepareProviders,
  type Runtimes,
  resolveRuntime,
} from "./runtimes.ts"
import type { UserCode } from "./user-code.ts"

/** One agent of a running gateway, with its plugins and its runtime. */
export interface Agent extends AgentDefinition {
  /** The provider of all runs that name no other. */
  readonly chosen: ChosenProvider
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
  /**
   * Resolves to the tools that all runs have. Empty if each run has its own. Null for an agent with a custom loop,
   * which executes its tools itself.
   */
  listTools(): Promise<readonly Tool[] | null>
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
export async function openAgent(
  definition: AgentDefinition,
  chosen: ChosenProvider,
  gateway: GatewayParts,
): Promise<Agent> {
  const { name, options } = definition
  const { server, settings, closing, logger } = gateway
  const plugins = await openPlugins(createPlugins(options, server, settings), {
    servicesFor: createPluginServices(name, gateway),
    isBuiltIn: (plugin) => !options.plugins.includes(plugin),
    logger,
    signal: closing,
  })
  try {
    const runtimes = createRuntimes(definition, chosen, gateway, plugins)
    await prepareProviders(runtimes)
    return joinAgent(runtimes, logger)
  } catch (error) {
    await closePlugins(plugins, logger)
    throw error
  }
}

function joinAgent(runtimes: Runtimes, logger: Logger): Agent {
  const { definition, chosen, plugins } = runtimes
  const { name, options, buildChatRuntime } = definition
  const authorizations = plugins.flatMap(({ parts }) => parts.findAuthorization ?? [])
  return {
    ...definition,
    chosen,
    allowedModels: options.allowedModels,
    checkClientTools:
      options.allowClientTools === false
        ? null
        : (tools, client, signal) => checkClientTools(runtimes, tools, client, signal),
    usesRequests: typeof buildChatRuntime === "function",
    resolveRuntime: (request) => resolveRuntime(runtimes, request),
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
      const tools = audience.isOperator ? await findToolChanges(runtimes) : null
      return {
        ...(await checkPlugins(plugins, audience, logger)),
        ...(tools !== null && { tools: createToolCheck(tools) }),
      }
    },
    listTools: () => listSharedTools(runtimes),
    toolSources: () => plugins.flatMap(({ parts }) => parts.toolSources?.() ?? []),
    sandboxes: () => plugins.flatMap(({ parts }) => parts.provides?.sandboxes ?? []),
    async probedModels() {
      const runtime = await openModelRuntime(runtimes)
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
