import type { Message } from "../core/messages.ts"
import type { ToolType } from "../core/ports/approvals.ts"
import type { HistoryCompaction } from "../core/ports/compaction.ts"
import type { Gate } from "../core/ports/gate.ts"
import type { OutputFilter } from "../core/ports/output-filter.ts"
import type { Pricing } from "../core/ports/pricing.ts"
import type { ModelChoice, Provider, SystemBlock, ToolSpecification } from "../core/ports/provider.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import type { Tool } from "../core/ports/tool.ts"
import type { TransformToolResult } from "../core/ports/transform-tool-result.ts"
import type { ItemsAtEnd } from "../core/run-end.ts"
import type { RunHooks } from "../core/run-hooks.ts"
import type { Runner } from "../core/runner.ts"
import type { ResolvedLoopOptions, ResolvedWaitOptions } from "./options.ts"

/**
 * The parts that one run is executed with. Built anew for every run and every resumption; nothing of it is stored.
 */
export type AgentRuntime = ModelRuntime | RunnerRuntime

/** The gateway's own loop over a model and tools. */
export interface ModelRuntime extends RuntimeBase, ResolvedLoopOptions {
  readonly type: "model"
  readonly systemPrompt: readonly SystemBlock[]
  /** Texts of data that stand before the message that started the run. */
  readonly background: readonly string[]
  /** The first is called; each further one takes over for the rest of the run when the one before it fails for good. */
  readonly models: readonly [ModelChoice, ...ModelChoice[]]
  readonly pricing: Pricing
  /** Returns the messages with images that every provider accepts, and text in place of the others. Never rejects. */
  readonly prepareImages: (messages: readonly Message[]) => Promise<readonly Message[]>
  /** For structured output. */
  readonly checkSchema: SchemaCheck
  readonly tools: readonly Tool[]
  /** Returns the tools in the form that the provider's service accepts, without those that it would refuse. */
  readonly toolsFor: (provider: Provider) => readonly ToolSpecification[]
  /** Change the results of executed calls, one after the other. */
  readonly transformToolResults: readonly TransformToolResult[]
  /** Makes a filter for one stream of a call's live output; null to show the output as it is. */
  readonly outputFilter: (() => OutputFilter) | null
  /** Returns the tokens of a model's context window; null if they are not known. */
  readonly contextWindowOf: (choice: ModelChoice) => number | null
  /** Makes room in the model's window; null if a conversation that is too long ends its run. */
  readonly compaction: HistoryCompaction | null
  /** Resolves to texts that stand beside a summary of these messages, such as those of loaded skills. Never rejects. */
  readonly compactionNotes: (messages: readonly Message[], signal: AbortSignal) => Promise<readonly string[]>
  readonly gate: Gate
  /** Milliseconds that a validator of the application may take for one call. */
  readonly callbackTimeoutMs: number
}

/** Somebody else's loop behind the same sessions. */
export interface RunnerRuntime extends RuntimeBase {
  readonly type: "runner"
  readonly runner: Runner
  /** If true, the runner can resume after a crash; otherwise such a run ends in `error`. */
  readonly resumes: boolean
  readonly pricing: Pricing
  /** Resolves to true if a person has allowed calls of this tool type for the rest of the session. */
  readonly isGranted: (sessionId: string, type: ToolType) => Promise<boolean>
}

interface RuntimeBase extends ResolvedWaitOptions {
  /** Changes when the agent's definition does; logged with each run. */
  readonly revision: string
  readonly hooks: RunHooks
  /** Called for the commit that ends a run of a root session. Default: nothing is delivered. */
  readonly itemsAtEnd?: ItemsAtEnd
  /** Is told of each call of a tool or a runner that was told to stop with its attempt, and may not have ended yet. */
  readonly follow: (call: Promise<unknown>) => void
}
