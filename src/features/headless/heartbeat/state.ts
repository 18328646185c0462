import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { GatewayError } from "../../../core/errors.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import { tryLock } from "../../../platform/locks/file-lock.ts"
import { loadState, saveState } from "../../../platform/state-files/state-file.ts"

/** State of a heartbeat that outlives a restart. Times are milliseconds since the Unix epoch. */
export interface HeartbeatState {
  readonly tick_count: number
  readonly consecutive_errors: number
  readonly last_outcome: TickOutcome | null
  readonly last_error: string | null
  readonly last_skip_reason: string | null
  readonly last_alert: boolean
  readonly last_tick_started_at: number | null
  readonly last_tick_finished_at: number | null
  readonly last_duration_seconds: number
  /** Time of the very first tick, from which the others are counted. */
  readonly anchor_at: number | null
  readonly next_tick_at: number | null
  /** End of the pause after too many errors. Null if there is no pause. */
  readonly paused_until: number | null
  /** The tick that was started and has not ended. */
  readonly open_tick: { readonly number: number; readonly job_id: string } | null
  /** The day of the counted costs, and their sum in US dollars. */
  readonly spent_day: string | null
  readonly spent_usd: number
}

export type TickOutcome =
  | "alert"
  | "quiet"
  | "error"
  | "skipped"
  | "budget_exceeded"
  | "max_turns_reached"
  | "parked"

export const initialState: HeartbeatState = {
  tick_count: 0,
  consecutive_errors: 0,
  last_outcome: null,
  last_error: null,
  last_skip_reason: null,
  last_alert: false,
  last_tick_started_at: null,
  last_tick_finished_at: null,
  last_duration_seconds: 0,
  anchor_at: null,
  next_tick_at: null,
  paused_until: null,
  open_tick: null,
  spent_day: null,
  spent_usd: 0,
}

/** The Python package 0.5.3 writes times as ISO 8601. */
const isoTime = z.iso.datetime({ offset: true, local: true }).transform((text) => Date.parse(text))
const time = z.union([z.number(), isoTime]).nullable()
const count = z.int().nonnegative()
const outcomes = [
  "alert",
  "quiet",
  "error",
  "skipped",
  "budget_exceeded",
  "max_turns_reached",
  "parked",
] as const
/** Fields of later versions are dropped. */
const schema = z.object({
  tick_count: count,
  consecutive_errors: count,
  last_outcome: z.enum(outcomes).nullable(),
  last_error: z.string().nullable(),
  last_skip_reason: z.string().nullable(),
  last_alert: z.boolean(),
  last_tick_started_at: time,
  last_tick_finished_at: time,
  last_duration_seconds: z.number(),
  anchor_at: time,
  next_tick_at: time,
  paused_until: time,
  open_tick: z.object({ number: count, job_id: z.string() }).nullable(),
  spent_day: z.string().nullable(),
  spent_usd: z.number().nonnegative(),
} satisfies Record<keyof HeartbeatState, z.ZodType>)

export interface StateStore {
  /** Opens the state. Rejects with `heartbeat_running` if another loop on this machine uses it. */
  open(): Promise<OpenedState>
  save(state: HeartbeatState): Promise<void>
}

export interface OpenedState {
  /** Null if no state is kept. */
  readonly state: HeartbeatState | null
  close(): void
}

export const noStateStore: StateStore = {
  open: async () => ({ state: null, close: () => undefined }),
  save: async () => undefined,
}

/**
 * Keeps the state in `heartbeat_state.json`, and also reads the file of the Python package 0.5.3. Opening rejects with
 * `state_unreadable` if the file has other content.
 */
export function createStateFile(stateDir: string): StateStore {
  const path = join(stateDir, "heartbeat_state.json")
  return {
    async open() {
      await mkdir(stateDir, { recursive: true, mode: 0o700 })
      const lock = tryLock(join(stateDir, "heartbeat.lock"))
      if (lock === null) {
        throw new GatewayError(
          { code: "heartbeat_running", status: 409 },
          `Another heartbeat uses ${stateDir}. Stop it, or use another folder.`,
        )
      }
      try {
        return { state: parse(await loadState(path), path), close: () => lock.release() }
      } catch (error) {
        lock.release()
        throw error
      }
    },
    save: (state) => saveState(path, { ...state }),
  }
}

function parse(stored: JsonObject, path: string): HeartbeatState {
  const { success, data } = schema.safeParse({ ...initialState, ...stored })
  if (success) return data
  throw new GatewayError(
    { code: "state_unreadable", status: 500 },
    "heartbeat_state.json does not hold the state of a heartbeat. Fix or remove the file.",
    { detail: path },
  )
}
