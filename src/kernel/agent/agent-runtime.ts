import type { Message } from "../../core/history/messages.ts"
import type { HistoryCompaction } from "../../core/ports/model/compaction.ts"
import type { OutputFilter } from "../../core/ports/model/output-filter.ts"
import type { Pricing } from "../../core/ports/model/pricing.ts"
import type {
  ModelChoice,
  Provider,
  SystemBlock,
  ToolSpecification,
} from "../../core/ports/model/provider.ts"
import type { Observer } from "../../core/ports/observer.ts"
import type { ToolType } from "../../core/ports/store/approvals.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Gate } from "../../core/ports/tools/gate.ts"
import type { SchemaCheck } from "../../core/ports/tools/schema-check.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { TransformToolResult } from "../../core/ports/tools/transform-tool-result.ts"
import type { ItemsAtEnd } from "../../core/runs/run-end.ts"
import type { Runner, RunnerRequest } from "../../core/runs/runner.ts"
import type { DataBlock } from "../../core/text/data-block.ts"
import type { Approver } from "../../core/wait.ts"
import type { ResolvedLoopOptions } from "./options.ts"

/**
 * The parts that execute one run. The gateway builds them for every run and every resumption, and stores nothing of
 * them.
 */
export type AgentRuntime = ModelRuntime | RunnerRuntime

/** The gateway's own loop over a model and tools. */
export interface ModelRuntime extends RuntimeBase, ResolvedLoopOptions {
  readonly type: "model"
  readonly systemPrompt: readonly SystemBlock[]
  /** Data for the model, before the message that started the run. */
  readonly background: readonly DataBlock[]
  /** The first model is called. If a model fails permanently, the next one replaces it for the rest of the run. */
  readonly models: readonly [ModelChoice, ...ModelChoice[]]
  readonly pricing: Pricing
  /**
   * Returns the messages with the images that every provider accepts. A text replaces each other image. Rejects only
   * with the reason of the signal.
   */
  readonly prepareImages: (
    messages: readonly Message[],
    options: { readonly owner: Principal; readonly signal: AbortSignal },
  ) => Promise<readonly Message[]>
  /** Checks structured output. */
  readonly checkSchema: SchemaCheck
  /** Returns the tools. They are listed before each turn, because a plugin's tools may change during a run. */
  readonly listTools: () => readonly Tool[]
  /** Returns the tools in the form that the provider accepts, without the tools that it would refuse. */
  readonly toolsFor: (provider: Provider) => readonly ToolSpecification[]
  /** Change the results of executed calls, in this order. */
  readonly transformToolResults: readonly TransformToolResult[]
  /** Creates a filter for one stream of a call's live output. Null to show the output unchanged. */
  readonly outputFilter: (() => OutputFilter) | null
  /** Returns the tokens of a model's context window. Null if they are not known. */
  readonly contextWindowOf: (choice: ModelChoice) => number | null
  /** Shortens conversations for the model's context window. Null if a conversation that is too long ends its run. */
  readonly compaction: HistoryCompaction | null
  /**
   * Resolves to texts that accompany a summary of these messages, such as the instructions of loaded skills. Never
   * rejects.
   */
  readonly compactionNotes: (messages: readonly Message[], signal: AbortSignal) => Promise<readonly string[]>
  readonly gate: Gate
  /** Maximum milliseconds of one call of a validator of the application. */
  readonly callbackTimeoutMs: number
}

/** The loop of another framework, behind the same sessions. */
export interface RunnerRuntime extends RuntimeBase {
  readonly type: "runner"
  readonly runner: Runner
  /** If true, the runner can resume after a crash; otherwise such a run ends in `error`. */
  readonly resumes: boolean
  readonly pricing: Pricing
  /** Resolves to the given tools and those of the agent's MCP servers. */
  readonly listTools: RunnerRequest["listTools"]
  /** Schema check for the inputs of tools that the runner executes. */
  readonly checkSchema: SchemaCheck
  /** Resolves to true if such a person has allowed calls of this tool type for the rest of the session. */
  readonly isGranted: (sessionId: string, type: ToolType, approver: Approver) => Promise<boolean>
}

interface RuntimeBase {
  /** Seconds to wait for an approval or a client tool's result. */
  readonly approvalTimeoutSeconds: number
  /** The people who may decide approvals of tools without their own `approvalsBy`. */
  readonly approvalsBy: Approver
  /** Changes when the agent's definition does; logged with each run. */
  readonly revision: string
  /** Observes only this run, after the gateway's observers. Null if there is none. */
  readonly observer: Partial<Observer> | null
  /** Called for the commit that ends a run of a root session. Default: there are no items. */
  readonly itemsAtEnd?: ItemsAtEnd
  /** Receives each call of a tool or a runner that was aborted with its lease and may still be running. */
  readonly follow: (call: Promise<unknown>) => void
}
