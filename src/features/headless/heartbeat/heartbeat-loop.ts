import { declareOptions } from "../../../platform/options/declare-options.ts"
import { resolveOptions } from "../../../platform/options/resolve-options.ts"
import { createFunctionSchema, createObjectSchema } from "../../../platform/options/schemas.ts"
import type { RunOutput } from "../run/run-output.ts"
import { Beat } from "./beat.ts"
import type { HeartbeatClock } from "./clock.ts"
import type { HeartbeatConfig } from "./options.ts"
import type { HeartbeatState } from "./state.ts"
import type { HeartbeatTick, TickResult } from "./tick.ts"

export interface HeartbeatOptions {
  /** Does the work of one tick, for example with `runAutonomous`. */
  readonly run: (tick: HeartbeatTick) => Promise<RunOutput>
  /** Default: a tick every 30 minutes. */
  readonly config?: HeartbeatConfig
  /**
   * Called with a response for people, without `HEARTBEAT_OK`. Also called for a run that reached its budget or
   * turns, or is parked.
   */
  readonly onAlert?: (output: RunOutput, state: HeartbeatState) => void | Promise<void>
  /** Called when nothing needs attention. */
  readonly onQuiet?: (output: RunOutput, state: HeartbeatState) => void | Promise<void>
  /** Called with a failed run, with an error of `run`, or with a checklist that cannot be used. */
  readonly onError?: (problem: RunOutput | Error, state: HeartbeatState) => void | Promise<void>
  /** Called after each tick, including skipped ones. */
  readonly onTick?: (result: TickResult, state: HeartbeatState) => void | Promise<void>
  /**
   * Called with a sentence about any other problem: a callback above that threw or took longer than a minute, or a
   * state that could not be saved. Default: a process warning.
   */
  readonly onProblem?: (problem: string) => void
  /** For tests. */
  readonly clock?: HeartbeatClock
}

type Callback<Name extends "onAlert" | "onQuiet" | "onError" | "onTick" | "onProblem"> = NonNullable<
  HeartbeatOptions[Name]
>

const shape = declareOptions<HeartbeatOptions>()({
  run: createFunctionSchema<HeartbeatOptions["run"]>(),
  config: createObjectSchema<HeartbeatConfig>().optional(),
  onAlert: createFunctionSchema<Callback<"onAlert">>().optional(),
  onQuiet: createFunctionSchema<Callback<"onQuiet">>().optional(),
  onError: createFunctionSchema<Callback<"onError">>().optional(),
  onTick: createFunctionSchema<Callback<"onTick">>().optional(),
  onProblem: createFunctionSchema<Callback<"onProblem">>().optional(),
  clock: createObjectSchema<HeartbeatClock>().optional(),
})

/**
 * Runs an agent repeatedly, one tick at a time. Each callback is called at least once for each tick, because a tick
 * that a crash interrupted is repeated with the same `jobId`. Throws a `ConfigurationError` if options are wrong.
 */
export class HeartbeatLoop {
  readonly #beat: RunningBeat

  constructor(options: HeartbeatOptions) {
    this.#beat = new Beat(resolveOptions("HeartbeatLoop", shape, options))
  }

  get running(): boolean {
    return this.#beat.running
  }

  /** Number of ticks so far, including those before restarts. */
  get tickCount(): number {
    return this.#beat.state.tick_count
  }

  get state(): HeartbeatState {
    return this.#beat.state
  }

  /**
   * Runs ticks until `stop()`, `maxTicks` or an abort. Resolves when no tick is in progress any more. An abort also
   * aborts the tick in progress, which the next start repeats. Rejects if the loop is already running, or if its
   * state file cannot be used.
   */
  start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#beat.start(options)
  }

  /** Ends the loop after the tick in progress. */
  stop(): void {
    this.#beat.stop()
  }
}

interface RunningBeat {
  readonly running: boolean
  readonly state: HeartbeatState
  start(options: { readonly signal?: AbortSignal }): Promise<void>
  stop(): void
}
