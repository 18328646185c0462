import { z } from "zod"
import type { ChildOutcome } from "../core/child.ts"
import { declareOptions, type Resolved } from "../options/declare-options.ts"
import { resolveOptions } from "../options/resolve-options.ts"
import { callback, count, texts } from "../options/schemas.ts"

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

const longestSeconds = 365 * 86_400

const schemas = declareOptions<SubAgentOptions>()({
  agents: texts.default([]),
  models: texts.default([]),
  outputsDir: z.string().min(1).optional(),
  background: z.boolean().default(true),
  announce: z.boolean().default(false),
  onBeforeBackground: callback<NonNullable<SubAgentOptions["onBeforeBackground"]>>().optional(),
  onBackgroundComplete: callback<NonNullable<SubAgentOptions["onBackgroundComplete"]>>().optional(),
  maxDepth: z.int().min(1).max(8).default(1),
  maxConcurrent: z.int().min(1).max(32).default(4),
  maxTurns: count.optional(),
  timeoutSeconds: z.number().positive().max(longestSeconds).default(3_600),
  maxBudgetUsd: z.number().positive().optional(),
  excludedTools: texts.default([]),
})

export const subAgentsSchema = z.union([z.boolean(), z.strictObject(schemas)])

/** The options with their defaults. */
export type ResolvedSubAgentOptions = Resolved<SubAgentOptions, typeof schemas>

/** Applies the defaults. */
export function resolveSubAgentOptions(options: SubAgentOptions): ResolvedSubAgentOptions {
  return resolveOptions("subAgents", schemas, options)
}
