import { z } from "zod"
import type { OnMaxTurns } from "../../core/runs/max-turns.ts"
import type { TurnLimit } from "../../core/runs/turn-limit.ts"
import { type ThinkingLevel, thinkingLevels } from "../../core/thinking-level.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { count, createFunctionSchema, milliseconds, timerSeconds } from "../../platform/options/schemas.ts"
import { turnLimit } from "../../platform/options/turn-limit.ts"

/** Limits of the gateway's own loop over a model and tools. */
export interface LoopOptions extends TurnLimit {
  /** Maximum number of output tokens of one model call. Default 16 000. */
  readonly maxTokens?: number
  /**
   * Level of the model's thinking before it responds. It replaces such settings of the provider's own options.
   * Default: as the provider's options say, else the model's own default.
   */
  readonly thinkingLevel?: ThinkingLevel
  /**
   * Maximum cost of one run in US dollars. If the amount spent plus the maximum cost of a model call exceeds it, the
   * gateway lowers the call's `maxTokens` to what is left. If fewer than 1 000 tokens are left, the run ends before
   * the call. The price of every model must be known. Default: no limit.
   */
  readonly maxBudgetUsd?: number
  /**
   * If true, providers with explicit prompt caching cache a system prompt that is a text, together with the tools, and
   * from the second model call of a run on, the conversation as well. If false, they cache only the blocks of the
   * system prompt that have `cache: true`. Default true.
   */
  readonly cache?: boolean
  /** Maximum number of retries of a model call after a transient error. Default 3. */
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
   * Maximum seconds of one turn: a model call with its retries, and its tool calls. Waits, such as for an approval, do
   * not count, and the time starts again after a wait. A run that exceeds it ends with the error `step_timeout`.
   * Default: no limit.
   */
  readonly stepTimeoutSeconds?: number
  /** Returns a summary for a run that has reached its `maxTurns`. Default: there is none. */
  readonly onMaxTurns?: OnMaxTurns
  /** Maximum milliseconds of a call of a tool that has no limit of its own. Default 120 000. */
  readonly toolTimeoutMs?: number
  /**
   * Maximum size of one tool result's text that the model receives at once, in bytes. With the option `largeResults`,
   * the gateway stores longer text for the model to read. Otherwise it truncates the text. Default 100 000.
   */
  readonly maxToolResultBytes?: number
}

export const loopOptions = declareOptions<LoopOptions>()({
  ...turnLimit,
  maxTokens: count.default(16_000),
  thinkingLevel: z.enum(thinkingLevels).optional(),
  maxBudgetUsd: z.number().positive().optional(),
  cache: z.boolean().default(true),
  maxRetries: z.int().nonnegative().default(3),
  firstTokenTimeoutSeconds: timerSeconds.optional(),
  stallTimeoutSeconds: timerSeconds.default(60),
  stepTimeoutSeconds: timerSeconds.optional(),
  onMaxTurns: createFunctionSchema<OnMaxTurns>().optional(),
  toolTimeoutMs: milliseconds.default(120_000),
  maxToolResultBytes: count.default(100_000),
})

export type ResolvedLoopOptions = Resolved<LoopOptions, typeof loopOptions>
