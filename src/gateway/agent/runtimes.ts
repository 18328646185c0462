import type { ChosenProvider } from "../../adapters/providers/choose/choose-provider.ts"
import { createAppProviders, type RunProviders } from "../../adapters/providers/choose/run-providers.ts"
import type { Provider } from "../../core/ports/model/provider.ts"
import type { PluginRun } from "../../core/ports/plugin.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { AgentRuntime, ModelRuntime } from "../../kernel/agent/agent-runtime.ts"
import { compactionSchemas } from "../../kernel/compaction/options.ts"
import type { CheckClientTools } from "../../kernel/sessions/accept-message.ts"
import type { RuntimeRequest } from "../../kernel/sessions/worker/runtime-resolver.ts"
import {
  createToolChangeLog,
  type ReportedChange,
  type ReportToolChange,
} from "../../kernel/tools/offer/tool-offers.ts"
import { createLineMask } from "../../platform/logging/line-mask.ts"
import { pickOptions } from "../../platform/options/resolve-options.ts"
import { type ResolvedChatRuntime, resolveChatRuntime } from "../options/runtime-options.ts"
import type { OpenedPlugin } from "../plugins/open-plugins.ts"
import {
  createEmptyView,
  type OpenRunOptions,
  openRun,
  type PluginView,
  requirePlugins,
} from "../plugins/open-run.ts"
import type { GatewayParts } from "./agent.ts"
import type { AgentDefinition } from "./agent-definition.ts"
import {
  checkForAllRuns,
  type RunParts,
  selectPluginOptions,
  selectPluginSettings,
  toAgentRuntime,
} from "./chat-runtime.ts"
import { createProviderChooser } from "./credentials.ts"
import { allowsClientTool, findUnusableTool } from "./declared-tools.ts"
import { createGuess, type Guess } from "./guessed-model.ts"
import { createRuntimeMemo } from "./runtime-memo.ts"

/** Maximum bytes of a tool result that a runner's model receives at once, for plugins. */
const maxRunnerResultBytes = 100_000

/** A run that is about to be executed, or a request for the agent's tools. */
type OpenedRun = Pick<PluginRun, "session" | "role" | "message" | "showStatus" | "signal">

/** The parts from which the runtimes of an agent's runs are assembled. */
export interface Runtimes {
  readonly definition: AgentDefinition
  readonly chosen: ChosenProvider
  readonly gateway: GatewayParts
  readonly plugins: readonly OpenedPlugin[]
  readonly guess: Guess
  readonly providersFor: ReturnType<typeof createProviderChooser>
  /** The parts of a run without a client, which most runs share. */
  readonly shared: OpenRunOptions & Omit<RunParts, "view" | "providers" | "model">
}

export function createRuntimes(
  definition: AgentDefinition,
  chosen: ChosenProvider,
  gateway: GatewayParts,
  plugins: readonly OpenedPlugin[],
): Runtimes {
  const { name, options, provider, resolveCredentials } = definition
  const { server, settings, mode, store, userCode, prepareImages, checkSchema, logger } = gateway
  const { redact } = server
  return {
    definition,
    chosen,
    gateway,
    plugins,
    guess: createGuess(chosen, { mode, localServer: settings.localServer, logger }),
    providersFor: createProviderChooser(chosen, provider, settings, resolveCredentials),
    shared: {
      memo: createRuntimeMemo(),
      agent: name,
      allowedModels: options.allowedModels,
      compaction: pickOptions(compactionSchemas, options),
      clientTools: [],
      instructions: null,
      role: null,
      listTools: async (own) => own,
      followHooks: (hooks) => userCode.followHooks(hooks),
      callbackTimeoutMs: userCode.timeoutMs,
      outputFilter: redact === undefined ? null : () => createLineMask(redact),
      follow: userCode.follow,
      grants: store.approvals.grants,
      prepareImages,
      checkSchema,
      reportToolChange: createToolChangeLog(logger),
      logger,
    },
  }
}

/**
 * Prepares the providers of a runtime that all runs share. Rejects if such a runtime cannot work, or if the agent's
 * provider is not installed.
 */
export async function prepareProviders(runtimes: Runtimes): Promise<void> {
  const { definition, chosen, gateway, shared } = runtimes
  const chat = findSharedRuntime(definition)
  if (chat !== null) {
    const providers = createAppProviders(chosen, gateway.settings)
    takeGuess(runtimes, chat, providers)
    const view = await openView(runtimes, chat, createLook(runtimes))
    await prepareAll(checkForAllRuns(chat, { ...shared, view, providers, model: null }))
  } else if (definition.provider.provider !== undefined) await prepareAll([chosen.provider])
}

async function prepareAll(providers: readonly Provider[]): Promise<void> {
  await Promise.all(providers.map((provider) => provider.prepare?.()))
}

/** Calls `buildChatRuntime`, and assembles the runtime of a run from its result. */
export async function resolveRuntime(
  runtimes: Runtimes,
  { request, message, showStatus, signal, ...run }: RuntimeRequest,
): Promise<AgentRuntime> {
  const { definition, gateway, shared } = runtimes
  const { userCode } = gateway
  const { options, buildChatRuntime: build } = definition
  const { session, role, instructions, model } = run
  const chat =
    typeof build === "object"
      ? build
      : resolveChatRuntime(
          await userCode.call(
            "buildChatRuntime",
            (stop) => build({ ...run, ...(request && { request: request() }), signal: stop }),
            signal,
          ),
        )
  const providers = await userCode.call(
    "resolveCredentials",
    (stop) => runtimes.providersFor(session, stop),
    signal,
  )
  takeGuess(runtimes, chat, providers)
  const opened = { session, role, message, showStatus, signal }
  return toAgentRuntime(chat, {
    ...shared,
    clientTools: run.clientTools.filter((each) => allowsClientTool(options.allowClientTools, each, run)),
    instructions,
    role,
    listTools: (own) => listRunnerTools(runtimes, opened, own),
    view: await openView(runtimes, chat, opened),
    providers,
    model,
  })
}

/** Resolves to the runtime of all runs. Null if each run has its own, and for a runner. */
export async function openModelRuntime(
  runtimes: Runtimes,
  reportToolChange: ReportToolChange = runtimes.shared.reportToolChange,
): Promise<ModelRuntime | null> {
  const { definition, chosen, gateway, shared } = runtimes
  const chat = findSharedRuntime(definition)
  if (chat === null) return null
  const providers = createAppProviders(chosen, gateway.settings)
  const view = await openView(runtimes, chat, createLook(runtimes))
  const runtime = toAgentRuntime(chat, { ...shared, view, providers, model: null, reportToolChange })
  return runtime.type === "runner" ? null : runtime
}

/**
 * Resolves to the differences between the agent's tools and the tools that its models see. Null if they differ from
 * run to run, and while MCP servers start.
 */
export async function findToolChanges(runtimes: Runtimes): Promise<readonly ReportedChange[] | null> {
  if (runtimes.plugins.some(isStarting)) return null
  const changes: ReportedChange[] = []
  const runtime = await openModelRuntime(runtimes, (change) => void changes.push(change))
  if (runtime === null) return null
  for (const choice of runtime.models) runtime.toolsFor(choice.provider)
  return changes
}

/** Checks the tools that a client declares. They must not have the name of one of the agent's own tools. */
export async function checkClientTools(
  runtimes: Runtimes,
  ...[tools, client, signal]: Parameters<CheckClientTools>
): ReturnType<CheckClientTools> {
  const { options, buildChatRuntime: chat } = runtimes.definition
  const refused = tools.find((each) => !allowsClientTool(options.allowClientTools, each, client))
  if (refused !== undefined) return { status: "notAllowed", tool: refused.name }
  const own = typeof chat === "object" ? await listOwnTools(runtimes, chat) : []
  const taken = tools.find(({ name }) => own.some((each) => each.name === name))
  if (taken !== undefined) return { status: "taken", tool: taken.name }
  return findUnusableTool(tools, { checkSchema: runtimes.shared.checkSchema, owner: client.session, signal })
}

/**
 * Returns the runtime that all runs share. Null if each run has its own, or may have a provider of its own: a provider
 * for which users have their own keys need not work at the start.
 */
function findSharedRuntime(definition: AgentDefinition): ResolvedChatRuntime | null {
  const { buildChatRuntime: chat, resolveCredentials } = definition
  return typeof chat === "object" && resolveCredentials === undefined ? chat : null
}

function takeGuess({ chosen, guess }: Runtimes, chat: ResolvedChatRuntime, providers: RunProviders): void {
  const asksForModel = !("runner" in chat) && chat.provider === undefined
  if (asksForModel && providers.main === chosen.provider) guess.use()
}

/** Returns a run without a session, to look at the agent's tools. */
function createLook({ gateway }: Runtimes): OpenedRun {
  return { session: null, role: null, message: [], showStatus: () => {}, signal: gateway.closing }
}

function isStarting({ parts }: OpenedPlugin): boolean {
  return parts.isStarting?.() === true
}

async function openView(
  { plugins, shared }: Runtimes,
  chat: ResolvedChatRuntime,
  run: OpenedRun,
): Promise<PluginView> {
  if ("runner" in chat) return createEmptyView(shared)
  // Without a session, nothing is awaited.
  const ready = run.session !== null ? plugins : plugins.filter((plugin) => !isStarting(plugin))
  const settings = selectPluginSettings(chat)
  requirePlugins(settings, plugins)
  return openRun(ready, { ...run, ...selectPluginOptions(chat), settings }, shared)
}

/** Returns the tools of runs without a session. Tools of servers that each user must authorize are not among them. */
async function listOwnTools(runtimes: Runtimes, chat: ResolvedChatRuntime): Promise<readonly Tool[]> {
  if ("runner" in chat) return []
  return (await openView(runtimes, chat, createLook(runtimes))).tools(chat.tools)()
}

/**
 * Resolves to the tools that all runs have. Empty if each run has its own runtime. Null for a runner, which executes
 * its tools itself.
 */
export async function listSharedTools(runtimes: Runtimes): Promise<readonly Tool[] | null> {
  const { buildChatRuntime: chat } = runtimes.definition
  if (typeof chat === "function") return []
  if ("runner" in chat) return null
  const tools = await listOwnTools(runtimes, chat)
  return tools.filter(({ name }) => !chat.excludedTools.includes(name))
}

/** Lists the tools of MCP servers for a runner, and waits for starting servers. */
async function listRunnerTools(
  { plugins, shared }: Runtimes,
  run: OpenedRun,
  own: readonly Tool[],
): Promise<readonly Tool[]> {
  const servers = plugins.filter(({ name }) => name === "mcp")
  const settings = { needsApproval: () => false, maxToolResultBytes: maxRunnerResultBytes }
  return (await openRun(servers, { ...run, ...settings }, shared)).tools(own)()
}
