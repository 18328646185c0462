import { z } from "zod"
import type { ChildOutcome } from "../../core/runs/child.ts"
import { defaultMaxAnnouncedRuns } from "../../core/runs/run-chain.ts"
import type { TurnLimit } from "../../core/runs/turn-limit.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import { createFunctionSchema, texts } from "../../platform/options/schemas.ts"
import { turnLimit } from "../../platform/options/turn-limit.ts"

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

/**
 * Options of sub-agents. All are optional. The `maxTurns` of a skill takes precedence over this option, whose default
 * is 30.
 */
export interface SubAgentOptions extends TurnLimit {
  /** Names of further agents of the gateway to which the model may delegate tasks. Default: none. */
  readonly agents?: readonly string[]
  /**
   * Models that the model may choose for a task without another agent. Default: `allowedModels`. If there are none,
   * the sub-agent uses the agent's own model.
   */
  readonly models?: readonly string[]
  /**
   * Folder for the responses of sub-agents with a skill, each in a file `DATE-SKILL-ID.md`. Relative to the working
   * directory. It is created with the first file. Default: none.
   */
  readonly outputsDir?: string
  /** If true, the model may start sub-agents in the background. Default true. */
  readonly background?: boolean
  /**
   * If true, the end of a background task becomes a message to the session: it joins the open run, or starts a new
   * one. Otherwise the model sees it in its next call. Default false.
   */
  readonly announce?: boolean
  /**
   * Maximum number of runs that `announce` starts after one message; 1 to 64. Together with the run of that message,
   * they have its turns, budget and time. The model sees further ends with the next message. Default 8.
   */
  readonly maxAnnouncedRuns?: number
  /** Called before a background task starts. A rejection refuses the task. */
  readonly onBeforeBackground?: (
    task: BackgroundStart,
    options: BackgroundHookOptions,
  ) => void | Promise<void>
  /** Called at least once after the end of a background task, even after a crash. */
  readonly onBackgroundComplete?: (end: BackgroundEnd, options: BackgroundHookOptions) => void | Promise<void>
  /**
   * Maximum number of sessions from the user's session down to a sub-agent, including the sub-agent; 1 to 8. Default
   * 1.
   */
  readonly maxDepth?: number
  /** Maximum number of sub-agents of one session that work at once; 1 to 32. Default 4. */
  readonly maxConcurrent?: number
  /**
   * Maximum seconds of one sub-agent, after which it is canceled. A skill's own limit takes precedence. Default
   * 600: ten minutes.
   */
  readonly timeoutSeconds?: number
  /**
   * Maximum cost of one sub-agent in US dollars, out of the run's budget if it has one. A skill's own limit takes
   * precedence. Default: a quarter of the run's free budget.
   */
  readonly maxBudgetUsd?: number
  /**
   * Patterns of tools that sub-agents of this agent do not have: a name, in which `*` stands for any text. Default:
   * none.
   */
  readonly excludedTools?: readonly string[]
}

const longestSeconds = 365 * 86_400

const schemas = declareOptions<SubAgentOptions>()({
  maxTurns: turnLimit.maxTurns.default(30),
  agents: texts.default([]),
  models: texts.default([]),
  outputsDir: z.string().min(1).optional(),
  background: z.boolean().default(true),
  announce: z.boolean().default(false),
  maxAnnouncedRuns: z.int().min(1).max(64).default(defaultMaxAnnouncedRuns),
  onBeforeBackground: createFunctionSchema<NonNullable<SubAgentOptions["onBeforeBackground"]>>().optional(),
  onBackgroundComplete:
    createFunctionSchema<NonNullable<SubAgentOptions["onBackgroundComplete"]>>().optional(),
  maxDepth: z.int().min(1).max(8).default(1),
  maxConcurrent: z.int().min(1).max(32).default(4),
  timeoutSeconds: z.number().positive().max(longestSeconds).default(600),
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
