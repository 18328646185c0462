import type { Cost } from "../usage.ts"
import type { RunLimits } from "./child.ts"

/**
 * A run that a message started, and the runs that announced its background tasks. Together they may use what the
 * limits of the first run allow.
 */
export interface RunChain {
  /** The run that the message started. */
  readonly origin: string
  /** Limits of that run, in addition to those of the agent. Absent if there are none. */
  readonly limits?: RunLimits
  /** Number of announced runs that have ended. */
  readonly announced: number
  /** Turns of all its runs that have ended. */
  readonly turns: number
  /** US dollars of these runs, and of the background tasks that ended after them, as they count against a budget. */
  readonly charged: Cost
}

/** Default of the maximum number of announced runs of one chain. */
export const defaultMaxAnnouncedRuns = 8
