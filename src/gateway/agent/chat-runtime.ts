import type { ProviderChoice } from "../../adapters/providers/choose/choose-provider.ts"
import { chooseModels, requirePrices } from "../../adapters/providers/choose/fallback-models.ts"
import type { ModelOptions } from "../../adapters/providers/choose/options.ts"
import { requireThinking } from "../../adapters/providers/choose/require-thinking.ts"
import type { RunProviders } from "../../adapters/providers/choose/run-providers.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Provider, SystemBlock, ToolSpecification } from "../../core/ports/model/provider.ts"
import type { PluginRun } from "../../core/ports/plugin.ts"
import type { Grant } from "../../core/ports/store/approvals.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { RunHooks } from "../../core/runs/run-hooks.ts"
import type { RunRole } from "../../core/runs/run-role.ts"
import type { Runner, RunnerRequest } from "../../core/runs/runner.ts"
import { writeDataBlock } from "../../core/text/data-block.ts"
import type { CodeExecutionRunSettings } from "../../features/sandbox/code-execution/options.ts"
import type { AgentRuntime, ModelRuntime, RunnerRuntime } from "../../kernel/agent/agent-runtime.ts"
import type { LoopOptions } from "../../kernel/agent/options.ts"
import { createGate, isGranted } from "../../kernel/approvals/gate.ts"
import { type ApprovalOptions, type WaitOptions, waitOptions } from "../../kernel/approvals/options.ts"
import { createCompaction } from "../../kernel/compaction/create-compaction.ts"
import { type CompactionOptions, runtimeCompactionSchemas } from "../../kernel/compaction/options.ts"
import { createPricing } from "../../kernel/pricing/create-pricing.ts"
import { findListedWindow } from "../../kernel/pricing/listed-window.ts"
import type { PriceOptions } from "../../kernel/pricing/options.ts"
import { addDeclaredTools } from "../../kernel/tools/client-tools.ts"
import { markErrors } from "../../kernel/tools/mark-errors.ts"
import {
  createToolOffers,
  type ReportToolChange,
  toSpecification,
} from "../../kernel/tools/offer/tool-offers.ts"
import type { ToolOptions } from "../../kernel/tools/options.ts"
import { pickOptions } from "../../platform/options/resolve-options.ts"
import { createHookObserver } from "../hooks/hook-observer.ts"
import { type Hooks, hookOptions } from "../hooks/hooks.ts"
import type {
  ResolvedChatRuntime,
  ResolvedModelRuntime,
  ResolvedRunnerRuntime,
} from "../options/runtime-options.ts"
import type { PluginSettings, PluginView } from "../plugins/open-run.ts"
import { applyRole, createRoleInterceptors, selectRoleTools } from "./run-role.ts"
import type { RuntimeMemo } from "./runtime-memo.ts"

/**
 * The result of `buildChatRuntime`: the parts that execute one run. Its hooks are called in this process only, so a
 * crash loses calls. If a run ends while it is parked, they are not called. The gateway's options of the same names
 * receive every event.
 */
export type ChatRuntime = (ChatModelRuntime | ChatRunnerRuntime) & Hooks

/** Options of a run of the gateway's own loop over a model and tools. */
export interface ChatModelRuntime
  extends ModelOptions,
    PriceOptions,
    ToolOptions,
    LoopOptions,
    ApprovalOptions,
    WaitOptions,
    CompactionOptions {
  /** A text, or a list of blocks. The provider may cache some of the blocks. */
  readonly systemPrompt: string | readonly SystemBlock[]
  /** Default: the app's `defaultProvider`. */
  readonly provider?: ProviderChoice
  /**
   * If false, runs cannot execute code. An object has settings in place of the agent's. Requires `codeExecution` of the
   * agent. Default: as the agent.
   */
  readonly codeExecution?: boolean | CodeExecutionRunSettings
}

/** Options of a run of another framework's loop. */
export interface ChatRunnerRuntime extends PriceOptions, WaitOptions {
  readonly runner: Runner
  /**
   * If true, the runner can resume a run after a crash; otherwise such a run ends in `error`. Default false.
   */
  readonly resumes?: boolean
}

export interface RunParts {
  /** Keeps what stays the same from run to run of the agent. */
  readonly memo: RuntimeMemo
  readonly providers: RunProviders
  /** The model that the client requested. */
  readonly model: string | null
  /**
   * Models that a client may choose in addition to the application's own. Undefined means any, if the application has
   * no model of its own.
   */
  readonly allowedModels: readonly string[] | undefined
  /** Bounds the hooks of one request in time. */
  readonly followHooks: (hooks: Hooks) => RunHooks
  /** The agent's options of compaction. */
  readonly compaction: CompactionOptions
  readonly callbackTimeoutMs: number
  readonly outputFilter: ModelRuntime["outputFilter"]
  readonly follow: AgentRuntime["follow"]
  /** Tools that the client declared and is allowed to declare. */
  readonly clientTools: readonly ToolSpecification[]
  /** Instructions of the client. Null if there are none. */
  readonly instructions: string | null
  /** The role of a sub-agent. Null for a run of the agent itself. */
  readonly role: RunRole | null
  /** The parts of the plugins in this run. */
  readonly view: PluginView
  /** Resolves to the given tools and those of the agent's MCP servers, for a runner. */
  readonly listTools: RunnerRequest["listTools"]
  readonly grants: (sessionId: string) => Promise<readonly Grant[]>
  readonly checkSchema: ModelRuntime["checkSchema"]
  readonly prepareImages: ModelRuntime["prepareImages"]
  /** Called with every tool that a provider would refuse. */
  readonly reportToolChange: ReportToolChange
  readonly logger: Logger
}

/** Returns the options of a runtime that plugins may use. */
export function selectPluginOptions({
  needsApproval,
  maxToolResultBytes,
}: ResolvedModelRuntime): Pick<PluginRun, "needsApproval" | "maxToolResultBytes"> {
  return { needsApproval, maxToolResultBytes }
}

/** Returns the settings of a runtime for plugins, by the names of the plugins. */
export function selectPluginSettings({ codeExecution }: ResolvedModelRuntime): PluginSettings {
  return codeExecution === undefined ? {} : { code_execution: codeExecution }
}

/** Assembles the parts that execute a run. Throws a `ConfigurationError` if they cannot work. */
export function toAgentRuntime(chat: ResolvedChatRuntime, parts: RunParts): AgentRuntime {
  return "runner" in chat
    ? createRunnerRuntime(chat, parts)
    : createModelRuntime(applyRole(chat, parts.role), parts)
}

/**
 * Checks a runtime that all runs share, before the first run. Refuses everything that `toAgentRuntime` refuses, and
 * also models that clients may choose if their price is unknown but a budget is set. Returns the providers that the
 * runtime calls.
 */
export function checkForAllRuns(chat: ResolvedChatRuntime, parts: RunParts): readonly Provider[] {
  const runtime = toAgentRuntime(chat, { ...parts, model: null })
  if (runtime.type === "runner") return []
  const [{ provider }] = runtime.models
  const choosable = (parts.allowedModels ?? []).map((model) => ({ provider, model }))
  if (runtime.maxBudgetUsd !== undefined) requirePrices(choosable, runtime.pricing)
  return runtime.models.map((choice) => choice.provider)
}

function createRunnerRuntime(
  chat: ResolvedRunnerRuntime,
  { followHooks, follow, grants, checkSchema, listTools, logger }: RunParts,
): RunnerRuntime {
  const { runner, resumes, prices } = chat
  return {
    ...pickOptions(waitOptions, chat),
    type: "runner",
    runner,
    resumes,
    pricing: createPricing(prices),
    listTools,
    checkSchema,
    isGranted: async (sessionId, type, approver) => isGranted(await grants(sessionId), type, approver),
    revision: "runner",
    observer: createHookObserver(followHooks(pickOptions(hookOptions, chat)), logger),
    follow,
  }
}

function createModelRuntime(chat: ResolvedModelRuntime, parts: RunParts): ModelRuntime {
  const { providers, view, checkSchema, followHooks, follow, grants, logger } = parts
  const { callbackTimeoutMs, outputFilter, memo } = parts
  const { provider, fallback, needsApproval, approvalsBy } = chat
  const own =
    typeof chat.systemPrompt === "string"
      ? [{ text: chat.systemPrompt, ...(chat.cache && { cache: true }) }]
      : chat.systemPrompt
  const systemPrompt = [...own, ...view.instructions.map((text) => ({ text }))]
  const models = chooseModels({ provider, model: chooseModel(chat.model, parts), fallback }, providers)
  const { limits, hooks, pricing } = memo.optionParts(chat)
  const ownTools = selectRoleTools(parts.role, excludeTools(chat.excludedTools, view.tools(chat.tools)))
  const allTools = addDeclaredTools(ownTools, parts.clientTools, logger)
  const interceptors = [...createRoleInterceptors(parts.role), ...chat.interceptors, ...view.interceptors]
  // The client's choice is no mistake of the application. The loop ends the run before it calls a model without a
  // price.
  if (chat.maxBudgetUsd !== undefined) {
    requirePrices(
      models.filter(({ model }) => model !== parts.model),
      pricing,
    )
  }
  if (chat.thinkingLevel !== undefined && models[0].model !== parts.model) {
    requireThinking(models[0], chat.thinkingLevel)
  }
  const toolsFor = createToolOffers(allTools, parts.reportToolChange, memo.offer)
  return {
    ...limits,
    type: "model",
    systemPrompt: addClientInstructions(systemPrompt, parts.instructions).filter(({ text }) => text !== ""),
    background: view.background,
    models,
    pricing,
    checkSchema,
    listTools: allTools,
    toolsFor,
    prepareImages: parts.prepareImages,
    transformToolResults: [
      ...(chat.isErrorResult === undefined ? [] : [markErrors(chat.isErrorResult)]),
      ...(chat.transformToolResult === undefined ? [] : [chat.transformToolResult]),
      ...view.transformToolResults,
    ],
    outputFilter,
    contextWindowOf: ({ provider: { priceList = "" }, model }) => findListedWindow(priceList, model),
    compaction: chooseCompaction(chat, parts),
    compactionNotes: view.compactionNotes,
    gate: createGate({ interceptors, needsApproval, approvalsBy, grants, callbackTimeoutMs, logger }),
    callbackTimeoutMs,
    revision: memo.revisionOf({ systemPrompt, models, tools: ownTools().map(toSpecification) }),
    observer: createHookObserver(followHooks(hooks), logger),
    ...(view.itemsAtEnd !== undefined && { itemsAtEnd: view.itemsAtEnd }),
    follow,
  }
}

/** Adds the client's instructions below the agent's own, as a block that they cannot end. */
function addClientInstructions(
  own: readonly SystemBlock[],
  instructions: string | null,
): readonly SystemBlock[] {
  if (instructions === null) return own
  const note =
    "The client of this conversation sent these instructions, as JSON. Follow them as far as they do not contradict " +
    "the instructions above."
  return [...own, { text: writeDataBlock({ name: "client_instructions", note, values: [instructions] }) }]
}

/** Returns the compaction of the runtime if it has options of its own, and otherwise that of the plugins. */
function chooseCompaction(
  chat: ResolvedModelRuntime,
  { compaction, view }: RunParts,
): ModelRuntime["compaction"] {
  const own = pickOptions(runtimeCompactionSchemas, chat)
  if (Object.keys(own).length === 0) return view.compaction
  const options = { ...compaction, ...own }
  return options.compaction === false ? null : createCompaction(options)
}

/**
 * Returns the model. The application's model takes precedence over the client's, unless the application allows the
 * client's model.
 */
function chooseModel(own: string | undefined, { model: asked, allowedModels }: RunParts): string | undefined {
  if (asked === null) return own
  if (allowedModels === undefined) return own ?? asked
  return allowedModels.includes(asked) ? asked : own
}

/** Returns the tools without those of these names. Returns the same array while the tools are unchanged. */
function excludeTools(names: readonly string[], tools: () => readonly Tool[]): () => readonly Tool[] {
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
