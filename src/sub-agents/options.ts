import { z } from "zod"
import type { ChildOutcome } from "../core/child.ts"

export interface BackgroundHookOptions {
  readonly signal: AbortSignal
}

/** A background task that is about to start. */
export interface BackgroundStart {
  readonly sessionId: string
  readonly toolCallId: string
  /** Name of the sub-agent. */
  readonly agent: string
  readonly task: string
}

/** The end of a background task. */
export interface BackgroundEnd {
  readonly sessionId: string
  readonly taskId: string
  /** Name of the sub-agent. */
  readonly agent: string
  readonly outcome: ChildOutcome
}

/** Options of sub-agents. All are optional. */
export interface SubAgentOptions {
  /** Names of further agents of the gateway that the model may hand tasks to. Default none. */
  readonly agents?: readonly string[]
  /** Models that the model may choose for a task without another agent. Default none: the agent's own. */
  readonly models?: readonly string[]
  /**
   * Folder for the responses of sub-agents that work by a skill, each a file `DATE-SKILL-ID.md`. Relative to the
   * working directory; created with the first one. Default none.
   */
  readonly outputsDir?: string
  /** Lets the model start sub-agents in the background. Default true. */
  readonly background?: boolean
  /**
   * If true, the end of a background task is a message to the session: it joins the open run, or starts one. Else the
   * model is shown it at its next call. Default false.
   */
  readonly announce?: boolean
  /** Called before a background task starts. A rejection refuses the task. */
  readonly onBeforeBackground?: (
    task: BackgroundStart,
    options: BackgroundHookOptions,
  ) => void | Promise<void>
  /** Called at least once after the end of a background task, also after a crash. */
  readonly onBackgroundComplete?: (end: BackgroundEnd, options: BackgroundHookOptions) => void | Promise<void>
  /** Most sessions between the user's session and a sub-agent, that one included; 1 to 8. Default 1. */
  readonly maxDepth?: number
  /** Sub-agents of one session that may work at once; 1 to 32. Default 4. */
  readonly maxConcurrent?: number
  /** Most model calls of one sub-agent. A skill's own limit wins. Default: the agent's `maxTurns`. */
  readonly maxTurns?: number
  /** Seconds that one sub-agent may take; it is canceled then. A skill's own limit wins. Default 3600: an hour. */
  readonly timeoutSeconds?: number
  /**
   * US dollars that one sub-agent may cost, out of the run's budget if it has one. A skill's own limit wins. Default: a
   * quarter of the run's free budget.
   */
  readonly maxBudgetUsd?: number
  /**
   * Patterns of tools that sub-agents of this agent do not have: a name, in which `*` stands for any text. Default
   * none.
   */
  readonly excludedTools?: readonly string[]
}

/** The options with their defaults. */
export type ResolvedOptions = SubAgentOptions &
  Required<
    Pick<
      SubAgentOptions,
      | "agents"
      | "models"
      | "background"
      | "announce"
      | "maxDepth"
      | "maxConcurrent"
      | "timeoutSeconds"
      | "excludedTools"
    >
  >

const callback = z.custom<unknown>((value) => typeof value === "function", "expected a function").optional()
const names = z.array(z.string().min(1)).optional()
const longestSeconds = 365 * 86_400

const configuration = z.strictObject({
  agents: names,
  models: names,
  outputsDir: z.string().min(1).optional(),
  background: z.boolean().optional(),
  announce: z.boolean().optional(),
  onBeforeBackground: callback,
  onBackgroundComplete: callback,
  maxDepth: z.int().min(1).max(8).optional(),
  maxConcurrent: z.int().min(1).max(32).optional(),
  maxTurns: z.int().positive().optional(),
  timeoutSeconds: z.number().positive().max(longestSeconds).optional(),
  maxBudgetUsd: z.number().positive().optional(),
  excludedTools: names,
} satisfies Record<keyof SubAgentOptions, unknown>)

export const subAgentsSchema = z.union([z.boolean(), configuration])

/** Applies the defaults. */
export function resolveOptions(options: SubAgentOptions): ResolvedOptions {
  const {
    agents = [],
    models = [],
    background = true,
    announce = false,
    maxDepth = 1,
    maxConcurrent = 4,
    timeoutSeconds = 3_600,
    excludedTools = [],
  } = options
  return {
    ...options,
    agents,
    models,
    background,
    announce,
    maxDepth,
    maxConcurrent,
    timeoutSeconds,
    excludedTools,
  }
}
