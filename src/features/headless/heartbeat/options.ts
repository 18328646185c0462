import { z } from "zod"
import { ConfigurationError, toError } from "../../../core/errors.ts"
import { isTimezone, parseCron } from "../../../platform/cron/cron.ts"
import { declareOptions, type Resolved } from "../../../platform/options/declare-options.ts"
import { resolveOptions } from "../../../platform/options/resolve-options.ts"

/** The times of a heartbeat's ticks, and the treatment of their results. */
export interface HeartbeatConfig {
  /** Seconds from one tick to the next, at least 1. Default 1800. Cannot be used with `cron`. */
  readonly intervalSeconds?: number
  /** Cron expression of five fields, or six with seconds, in `timezone`. Default: `intervalSeconds` is used. */
  readonly cron?: string
  /**
   * Hours of the day in `timezone` in which the loop ticks, `[start, end)`, from 0 to 24. A range such as `[22, 6]`
   * crosses midnight. Default: always.
   */
  readonly activeHours?: readonly [start: number, end: number]
  /** IANA name of the time zone. Default `UTC`. */
  readonly timezone?: string
  /** A response with `HEARTBEAT_OK` and at most this many other characters is quiet. Default 20. */
  readonly quietThreshold?: number
  /**
   * Seconds until the next tick after one error, after two errors in a row, and so on. The last value applies to all
   * further errors. Default `[30, 60, 300, 900, 3600]`.
   */
  readonly backoffSteps?: readonly number[]
  /** Number of errors in a row after which the loop pauses. Default 10. */
  readonly maxConsecutiveErrors?: number
  /** Seconds of this pause. Default 21 600, which are six hours. */
  readonly pauseSeconds?: number
  /**
   * File with the checklist, which `run` receives. A tick is skipped if there is no such file, or if it has only
   * headings and blank lines. At most 64 KiB. Default: none.
   */
  readonly checklistPath?: string
  /** Folder of `heartbeat_state.json`, from which the loop continues after a restart. Default: no state is kept. */
  readonly stateDir?: string
  /** Number of ticks after which `start` resolves, including skipped ones. Default: no limit. */
  readonly maxTicks?: number
  /**
   * Maximum cost in US dollars of the ticks of one day in `timezone`. Further ticks of the day are skipped. Default:
   * no limit.
   */
  readonly maxBudgetUsdPerDay?: number
}

/** The longest time in seconds: a year. */
const longest = 31_622_400
const seconds = z
  .number()
  .max(longest)
  .refine(
    (value) => value >= 1,
    "must be at least 1 second. A shorter pause would call the model without a break",
  )
const hour = z.number().min(0).max(24)

const shape = declareOptions<HeartbeatConfig>()({
  intervalSeconds: seconds.optional(),
  cron: z.string().optional(),
  activeHours: z
    .tuple([hour, hour])
    .readonly()
    .refine(([start, end]) => start !== end, "start and end must differ")
    .optional(),
  timezone: z
    .string()
    .refine(isTimezone, "expected an IANA time zone such as Europe/Berlin. An unknown one does not mean UTC")
    .default("UTC"),
  quietThreshold: z.int().nonnegative().default(20),
  backoffSteps: z.array(seconds).min(1).readonly().default([30, 60, 300, 900, 3600]),
  maxConsecutiveErrors: z.int().positive().default(10),
  pauseSeconds: seconds.default(21_600),
  checklistPath: z.string().min(1).optional(),
  stateDir: z.string().min(1).optional(),
  maxTicks: z.int().nonnegative().optional(),
  maxBudgetUsdPerDay: z.number().positive().optional(),
})

export type ResolvedHeartbeat = Resolved<HeartbeatConfig, typeof shape>

export const defaultIntervalSeconds = 1_800

export function resolveHeartbeat(config: HeartbeatConfig): ResolvedHeartbeat {
  const resolved = resolveOptions("HeartbeatLoop", shape, config)
  const { cron, intervalSeconds, timezone } = resolved
  if (cron === undefined) return resolved
  if (intervalSeconds !== undefined)
    throw new ConfigurationError("HeartbeatLoop: cron and intervalSeconds exclude each other.")
  try {
    parseCron(cron, timezone)
  } catch (error) {
    throw new ConfigurationError(`HeartbeatLoop: cron: ${toError(error).message}`, { cause: error })
  }
  return resolved
}
