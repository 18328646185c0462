import { createHash } from "node:crypto"
import { createGate, isGranted } from "../approvals/gate.ts"
import type {
  AgentRuntime,
  ModelChoice,
  ModelRuntime,
  RunHooks,
  Runner,
  RunnerRuntime,
} from "../core/agent-runtime.ts"
import type { Grant } from "../core/ports/approvals.ts"
import type { ApprovalPolicy, Interceptor } from "../core/ports/interceptor.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { PluginRun } from "../core/ports/plugin.ts"
import type { Provider, SystemBlock, ToolSpecification } from "../core/ports/provider.ts"
import type { Tool } from "../core/ports/tool.ts"
import type { TransformToolResult } from "../core/ports/transform-tool-result.ts"
import type { RunRole } from "../core/run-role.ts"
import { createPricing, type PriceOverrides } from "../pricing/create-pricing.ts"
import { listedWindow } from "../pricing/listed-window.ts"
import type { ProviderChoice } from "../providers/choose/choose-provider.ts"
import { type FallbackChoice, modelChoices, requirePrices } from "../providers/choose/fallback-models.ts"
import type { RunProviders } from "../providers/choose/run-providers.ts"
import { withDeclaredTools } from "../tools/client-tools.ts"
import { createToolOffers, type ReportToolChange, specificationOf } from "../tools/offer/tool-offers.ts"
import { type Hooks, pickHooks } from "./hooks/hooks.ts"
import { checkChatRuntime } from "./options/check-options.ts"
import type { PluginView } from "./plugins/open-run.ts"
import { inRole, roleInterceptors, toolsInRole } from "./run-role.ts"

/**
 * The result of `buildChatRuntime`: what one run is executed with. Its hooks are called in this process only: a crash
 * loses calls, and a run that ends while it is parked calls none. The gateway's options of the same names miss
 * nothing.
 */
export type ChatRuntime = (ChatModelRuntime | ChatRunnerRuntime) & Hooks

export interface ChatModelRuntime {
  readonly systemPrompt: string | readonly SystemBlock[]
  /** Default: the app's `defaultProvider`. */
  readonly provider?: ProviderChoice
  /**
   * Model of the run. A client's choice replaces it only if `allowedModels` lists that choice. Default: what the
   * client asks for, else the provider's own default.
   */
  readonly model?: string
  /**
   * Takes over when the service before it fails: after its retries, or at once when its quota is used up. The rest of
   * the run stays with it. A request or a key that is refused ends the run instead. Default none.
   */
  readonly fallback?: readonly FallbackChoice[]
  /** Default none. Names must differ. */
  readonly tools?: readonly Tool[]
  /** Names of tools that the model is not offered, for example of an MCP server. Default none. */
  readonly excludedTools?: readonly string[]
  /** Cap on the output tokens of one model call. Default 16 000. */
  readonly maxTokens?: number
  /** Most model calls of one run. Default: no bound. */
  readonly maxTurns?: number
  /**
   * US dollars that one run may cost. A model call is not made when what is spent and the most that the call can cost
   * are more; the price of every model must be known. Default: no bound.
   */
  readonly maxBudgetUsd?: number
  /** Prices of models by their exact name, in place of those of the bundled price list. Default none. */
  readonly prices?: PriceOverrides
  /** Milliseconds, for tools without a limit of their own. Default 30 000. */
  readonly toolTimeoutMs?: number
  /** Bytes of one tool result's text, past which it is cut. Default 100 000. */
  readonly maxToolResultBytes?: number
  /** Retries of a model call that failed in a way that may pass. Default 3. */
  readonly maxRetries?: number
  /**
   * Seconds that a model may take until the first token of its response, which includes the evaluation of the prompt.
   * Default 600, or the provider's `timeoutMs`; if both options are set, the smaller one applies.
   */
  readonly firstTokenTimeoutSeconds?: number
  /**
   * Seconds without progress after which a started response counts as failed and the call is retried. Pings are not
   * progress. Default 60.
   */
  readonly stallTimeoutSeconds?: number
  /**
   * Decides which calls a person must allow, for tools that do not decide it themselves. Default: none.
   */
  readonly needsApproval?: ApprovalPolicy
  /** See every call before anybody is asked about it, in this order. Default none. */
  readonly interceptors?: readonly Interceptor[]
  /**
   * Changes the results of executed calls before they are logged and before anyone sees them. Default: results stay
   * as they are.
   */
  readonly transformToolResult?: TransformToolResult
  /** Seconds to wait for an approval or a client tool's result. Default 86 400: a day. */
  readonly approvalTimeoutSeconds?: number
}

/** Somebody else's loop. */
export interface ChatRunnerRuntime {
  readonly runner: Runner
  /**
   * If true, the runner can resume a run after a crash; otherwise such a run ends in `error`. Default false.
   */
  readonly resumes?: boolean
  /** Prices of models by their exact name, in place of those of the bundled price list. Default none. */
  readonly prices?: PriceOverrides
  /** Seconds to wait for an approval. Default 86 400: a day. */
  readonly approvalTimeoutSeconds?: number
}

export interface RuntimeSurroundings {
  readonly providers: RunProviders
  /** The one the client asked for. */
  readonly model: string | null
  /**
   * Models that a client may choose, besides the app's own; undefined for any, if the app has none of its own.
   */
  readonly allowedModels: readonly string[] | undefined
  /** Bounds the hooks of one request in time. */
  readonly followHooks: (hooks: Hooks) => RunHooks
  readonly callbackTimeoutMs: number
  readonly outputFilter: ModelRuntime["outputFilter"]
  readonly follow: AgentRuntime["follow"]
  /** Tools that the client declared, and may declare. */
  readonly clientTools: readonly ToolSpecification[]
  /** The role of a sub-agent; null for a run of the agent itself. */
  readonly role: RunRole | null
  /** The parts of the plugins in this run. */
  readonly view: PluginView
  readonly grants: (sessionId: string) => Promise<readonly Grant[]>
  readonly checkSchema: ModelRuntime["checkSchema"]
  readonly prepareImages: ModelRuntime["prepareImages"]
  /** Is told of every tool that a provider's service would refuse. */
  readonly reportToolChange: ReportToolChange
  readonly logger: Logger
}

const defaultApprovalTimeoutSeconds = 86_400

/** Returns the options of a runtime that plugins may use, with their defaults. */
export function pluginOptions({
  needsApproval = () => false,
  maxToolResultBytes = 100_000,
}: Partial<ChatModelRuntime>): Pick<PluginRun, "needsApproval" | "maxToolResultBytes"> {
  return { needsApproval, maxToolResultBytes }
}

/** Fills in the defaults. Throws `ConfigurationError` for what is unknown, wrong or cannot work. */
export function toAgentRuntime(chat: ChatRuntime, surroundings: RuntimeSurroundings): AgentRuntime {
  checkChatRuntime(chat)
  const played = inRole(chat, surroundings.role)
  return "runner" in played ? runnerRuntime(played, surroundings) : modelRuntime(played, surroundings)
}

/**
 * Checks a runtime that all runs have in common before there is one: whatever `toAgentRuntime` refuses, and models that
 * clients may choose although a budget could not be kept with them. Returns the providers that it calls.
 */
export function checkForAllRuns(chat: ChatRuntime, surroundings: RuntimeSurroundings): readonly Provider[] {
  const runtime = toAgentRuntime(chat, { ...surroundings, model: null })
  if (runtime.type === "runner") return []
  const [{ provider }] = runtime.models
  const choosable = (surroundings.allowedModels ?? []).map((model) => ({ provider, model }))
  if (runtime.maxBudgetUsd !== null) requirePrices(choosable, runtime.pricing)
  return runtime.models.map((choice) => choice.provider)
}

function runnerRuntime(
  chat: ChatRunnerRuntime & Hooks,
  { followHooks, follow, grants }: RuntimeSurroundings,
): RunnerRuntime {
  const { runner, resumes = false, prices, approvalTimeoutSeconds } = chat
  return {
    type: "runner",
    runner,
    resumes,
    pricing: createPricing(prices),
    approvalTimeoutMs: (approvalTimeoutSeconds ?? defaultApprovalTimeoutSeconds) * 1_000,
    isGranted: async (sessionId, type) => isGranted(await grants(sessionId), type),
    revision: "runner",
    hooks: followHooks(pickHooks(chat)),
    follow,
  }
}

function modelRuntime(chat: ChatModelRuntime & Hooks, surroundings: RuntimeSurroundings): ModelRuntime {
  const { providers, view, checkSchema, followHooks, follow, grants, logger } = surroundings
  const { callbackTimeoutMs, outputFilter } = surroundings
  const { provider, fallback = [] } = chat
  const { needsApproval, maxToolResultBytes } = pluginOptions(chat)
  const { maxBudgetUsd = null } = chat
  const own = typeof chat.systemPrompt === "string" ? [{ text: chat.systemPrompt }] : chat.systemPrompt
  const systemPrompt = [...own, ...view.instructions.map((text) => ({ text }))]
  const models = modelChoices({ provider, model: chosenModel(chat.model, surroundings), fallback }, providers)
  const pricing = createPricing(chat.prices)
  const ownTools = toolsInRole(
    surroundings.role,
    without(chat.excludedTools ?? [], view.tools(chat.tools ?? [])),
  )
  const allTools = withDeclaredTools(ownTools, surroundings.clientTools, logger)
  const interceptors = [
    ...roleInterceptors(surroundings.role),
    ...(chat.interceptors ?? []),
    ...view.interceptors,
  ]
  // What the client chose is no mistake of the app's: the loop ends the run before it calls a model without a price.
  if (maxBudgetUsd !== null) {
    requirePrices(
      models.filter(({ model }) => model !== surroundings.model),
      pricing,
    )
  }
  const toolsFor = createToolOffers(allTools, surroundings.reportToolChange)
  return {
    type: "model",
    systemPrompt: systemPrompt.filter(({ text }) => text !== ""),
    models,
    pricing,
    maxBudgetUsd,
    firstTokenTimeoutMs:
      chat.firstTokenTimeoutSeconds === undefined ? null : chat.firstTokenTimeoutSeconds * 1_000,
    stallTimeoutMs: (chat.stallTimeoutSeconds ?? 60) * 1_000,
    checkSchema,
    // Read before each turn: a plugin's tools may change during a run.
    get tools() {
      return allTools()
    },
    toolsFor,
    prepareImages: surroundings.prepareImages,
    maxTokens: chat.maxTokens ?? 16_000,
    maxTurns: chat.maxTurns ?? null,
    toolTimeoutMs: chat.toolTimeoutMs ?? 30_000,
    maxToolResultBytes,
    transformToolResults: [
      ...(chat.transformToolResult === undefined ? [] : [chat.transformToolResult]),
      ...view.transformToolResults,
    ],
    outputFilter,
    contextWindowOf: ({ provider: { priceList = "" }, model }) => listedWindow(priceList, model),
    compaction: view.compaction,
    compactionNotes: view.compactionNotes,
    maxRetries: chat.maxRetries ?? 3,
    gate: createGate({ interceptors, needsApproval, grants, callbackTimeoutMs, logger }),
    callbackTimeoutMs,
    approvalTimeoutMs: (chat.approvalTimeoutSeconds ?? defaultApprovalTimeoutSeconds) * 1_000,
    revision: revisionOf({ systemPrompt, models, tools: ownTools() }),
    hooks: followHooks(pickHooks(chat)),
    ...(view.itemsAtEnd !== undefined && { itemsAtEnd: view.itemsAtEnd }),
    follow,
  }
}

/** The app's model wins over the client's, unless the app lists the client's among those to choose from. */
function chosenModel(
  own: string | undefined,
  { model: asked, allowedModels }: RuntimeSurroundings,
): string | undefined {
  if (asked === null) return own
  if (allowedModels === undefined) return own ?? asked
  return allowedModels.includes(asked) ? asked : own
}

/** Returns the tools but for those of these names, as the same array while they stay the same. */
function without(names: readonly string[], tools: () => readonly Tool[]): () => readonly Tool[] {
  if (names.length === 0) return tools
  let all: readonly Tool[] = []
  let offered: readonly Tool[] = []
  return () => {
    const current = tools()
    if (current !== all) {
      all = current
      offered = current.filter(({ name }) => !names.includes(name))
    }
    return offered
  }
}

function revisionOf(definition: {
  readonly systemPrompt: readonly SystemBlock[]
  readonly models: readonly ModelChoice[]
  readonly tools: readonly Tool[]
}): string {
  const { systemPrompt } = definition
  const models = definition.models.map(({ provider, model }) => ({ provider: provider.name, model }))
  const tools = definition.tools.map(specificationOf)
  return createHash("sha256")
    .update(JSON.stringify({ systemPrompt, models, tools }))
    .digest("hex")
    .slice(0, 12)
}
