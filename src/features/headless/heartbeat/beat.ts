import { GatewayError, toError } from "../../../core/errors.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import type { RunOutput } from "../run/run-output.ts"
import { readChecklist } from "./checklist.ts"
import { type HeartbeatClock, systemHeartbeatClock } from "./clock.ts"
import type { HeartbeatOptions } from "./heartbeat-loop.ts"
import { type Judgment, judge, judgeFailure } from "./judge.ts"
import { type ResolvedHeartbeat, resolveHeartbeat } from "./options.ts"
import { createSchedule, type Schedule } from "./schedule.ts"
import {
  createStateFile,
  type HeartbeatState,
  initialState,
  noStateStore,
  type OpenedState,
  type StateStore,
} from "./state.ts"
import type { SkipReason, TickResult } from "./tick.ts"
import { planTick, planTickAfter } from "./timing.ts"

/**
 * Maximum milliseconds of one sleep. A longer wait is divided, because the system's clock may be set, or the machine
 * may sleep meanwhile.
 */
const longestSleepMs = 30_000
const callbackMs = 60_000

/** A heartbeat in this process. */
export class Beat {
  readonly #options: HeartbeatOptions
  readonly #config: ResolvedHeartbeat
  readonly #schedule: Schedule
  readonly #clock: HeartbeatClock
  readonly #store: StateStore
  #state: HeartbeatState = initialState
  #saved: HeartbeatState | null = null
  /** Ends waits, and lets a tick end. Null while the loop is not running. */
  #stopping: AbortController | null = null

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#config = resolveHeartbeat(options.config ?? {})
    this.#schedule = createSchedule(this.#config)
    this.#clock = options.clock ?? systemHeartbeatClock
    this.#store = this.#config.stateDir === undefined ? noStateStore : createStateFile(this.#config.stateDir)
  }

  get running(): boolean {
    return this.#stopping !== null
  }

  get state(): HeartbeatState {
    return this.#state
  }

  async start({ signal }: { readonly signal?: AbortSignal }): Promise<void> {
    if (this.#stopping !== null)
      throw new GatewayError({ code: "heartbeat_running", status: 409 }, "This heartbeat is already running.")
    const stopping = new AbortController()
    this.#stopping = stopping
    const abort = new AbortController()
    const end = () => {
      abort.abort(signal?.reason)
      stopping.abort()
    }
    signal?.addEventListener("abort", end, { once: true })
    if (signal?.aborted === true) end()
    let opened: OpenedState | null = null
    try {
      opened = await this.#store.open()
      // A loop without a file continues from its own state.
      if (opened.state !== null) this.#state = opened.state
      await this.#tickOn(stopping.signal, abort.signal)
    } finally {
      signal?.removeEventListener("abort", end)
      opened?.close()
      this.#stopping = null
    }
  }

  stop(): void {
    this.#stopping?.abort()
  }

  async #tickOn(stopping: AbortSignal, abort: AbortSignal): Promise<void> {
    const { maxTicks = Number.POSITIVE_INFINITY } = this.#config
    let ticks = 0
    while (!stopping.aborted && ticks < maxTicks) {
      const now = this.#clock.now()
      // An interrupted tick is repeated at once.
      const next = this.#state.open_tick === null ? planTick(this.#state, this.#timing(now)) : now
      if (next > now) {
        await this.#change({ next_tick_at: next })
        await this.#clock.sleep(Math.min(next - now, longestSleepMs), stopping)
        continue
      }
      const result = await this.#tick(abort)
      if (result === null) return
      ticks += 1
      await this.#call("onTick", () => this.#options.onTick?.(result, this.#state))
    }
  }

  /** Resolves to null if the tick was aborted. It stays open for the next start. */
  async #tick(abort: AbortSignal): Promise<TickResult | null> {
    const startedAt = this.#clock.now()
    const since = this.#clock.elapsed()
    const number = this.#state.open_tick?.number ?? this.#state.tick_count + 1
    const anchor_at = this.#state.anchor_at ?? startedAt
    await this.#change({ tick_count: number, last_tick_started_at: startedAt, anchor_at })
    this.#startDay(startedAt)
    const work = await this.#work(number, abort)
    if (work === null) return null
    const { output, skipReason = null, problem } = work
    const { outcome, error, strippedResponse } = work.judgment
    const isError = outcome === "error"
    const now = this.#clock.now()
    const durationSeconds = (this.#clock.elapsed() - since) / 1_000
    const alert = !isError && outcome !== "skipped" && outcome !== "quiet"
    const ended: HeartbeatState = {
      ...this.#state,
      consecutive_errors:
        outcome === "skipped"
          ? this.#state.consecutive_errors
          : isError
            ? this.#state.consecutive_errors + 1
            : 0,
      last_outcome: outcome,
      last_error: error,
      last_skip_reason: skipReason,
      last_alert: alert,
      last_tick_finished_at: now,
      last_duration_seconds: durationSeconds,
      spent_usd: this.#state.spent_usd + this.#costOf(output),
    }
    const state = { ...ended, ...planTickAfter(ended, this.#timing(now)) }
    // The tick counts as done after its callbacks were called, so that a crash in between calls them again.
    this.#state = state
    await this.#report(outcome, { output, strippedResponse, problem })
    await this.#change({ open_tick: null })
    return {
      output,
      outcome,
      skipped: outcome === "skipped",
      skipReason,
      alert,
      error,
      strippedResponse,
      tickNumber: number,
      startedAt,
      durationSeconds,
      pausedUntil: state.paused_until,
    }
  }

  async #work(number: number, abort: AbortSignal): Promise<Work | null> {
    const { checklistPath, maxBudgetUsdPerDay } = this.#config
    const isRepeated = this.#state.open_tick !== null
    if (!isRepeated && !this.#schedule.isActive(this.#clock.now()))
      return createSkippedWork("outside_active_hours")
    const left = maxBudgetUsdPerDay === undefined ? null : maxBudgetUsdPerDay - this.#state.spent_usd
    if (!isRepeated && left !== null && left <= 0) return createSkippedWork("daily_budget_spent")
    const checklist = checklistPath === undefined ? null : await readChecklist(checklistPath)
    if (checklist?.type === "unusable") return createFailedWork(new Error(checklist.problem))
    if (!isRepeated && checklist?.type === "empty") return createSkippedWork("empty_checklist")
    const jobId = this.#state.open_tick?.job_id ?? `heartbeat-${crypto.randomUUID()}`
    await this.#change({ open_tick: { number, job_id: jobId } })
    try {
      const output = await this.#options.run({
        number,
        jobId,
        checklist: checklist?.type === "tasks" ? checklist.text : null,
        maxBudgetUsd: left === null ? null : Math.max(0, left),
        signal: abort,
      })
      if (abort.aborted && output.error !== null) return null
      return { output, judgment: judge(output, this.#config.quietThreshold), problem: output }
    } catch (thrown) {
      const isLeft = thrown instanceof GatewayError && thrown.code === "shutting_down"
      return abort.aborted || isLeft ? null : createFailedWork(thrown)
    }
  }

  async #report(
    outcome: TickResult["outcome"],
    {
      output,
      strippedResponse,
      problem,
    }: Pick<Work, "output" | "problem"> & { readonly strippedResponse: string },
  ): Promise<void> {
    const { onAlert, onQuiet, onError } = this.#options
    if (outcome === "error" && problem !== null)
      await this.#call("onError", () => onError?.(problem, this.#state))
    if (output === null || outcome === "error") return
    const shown = { ...output, response: strippedResponse }
    if (outcome === "quiet") await this.#call("onQuiet", () => onQuiet?.(shown, this.#state))
    else await this.#call("onAlert", () => onAlert?.(shown, this.#state))
  }

  /** Returns the cost of a run. An unknown cost may be of any amount, so it uses up the day's budget. */
  #costOf(output: RunOutput | null): number {
    const { maxBudgetUsdPerDay } = this.#config
    if (output === null) return 0
    // Code without types may return no cost, and the state file could not be read again.
    if (Number.isFinite(output.cost)) return Math.max(0, output.cost ?? 0)
    if (maxBudgetUsdPerDay === undefined) return 0
    this.#problem("The price of the model is not known, so the tick counts as the rest of the day's budget.")
    return Math.max(0, maxBudgetUsdPerDay - this.#state.spent_usd)
  }

  #startDay(at: number): void {
    const day = this.#schedule.date(at)
    if (this.#state.spent_day !== day) this.#state = { ...this.#state, spent_day: day, spent_usd: 0 }
  }

  #timing(now: number) {
    return { config: this.#config, schedule: this.#schedule, now }
  }

  async #change(change: Partial<HeartbeatState>): Promise<void> {
    const names = Object.keys(change) as (keyof HeartbeatState)[]
    if (names.some((name) => this.#state[name] !== change[name])) this.#state = { ...this.#state, ...change }
    if (this.#state === this.#saved) return
    try {
      await this.#store.save(this.#state)
      this.#saved = this.#state
    } catch (error) {
      const problem = toError(error).message
      this.#problem(
        `The state of the heartbeat was not saved: ${problem} After a restart, a tick may be repeated.`,
      )
    }
  }

  async #call(name: string, callback: () => void | Promise<void>): Promise<void> {
    try {
      await callBounded(callback, { name, timeoutMs: callbackMs })
    } catch (error) {
      this.#problem(`${name} failed: ${toError(error).message}`)
    }
  }

  #problem(problem: string): void {
    const { onProblem = (text: string) => process.emitWarning(text) } = this.#options
    const report = async () => onProblem(problem)
    report().catch((error: unknown) => process.emitWarning(`onProblem failed: ${toError(error).message}`))
  }
}

interface Work {
  readonly output: RunOutput | null
  readonly judgment: Judgment
  readonly skipReason?: SkipReason
  /** The problem that `onError` receives. */
  readonly problem: RunOutput | Error | null
}

function createSkippedWork(skipReason: SkipReason): Work {
  const judgment = { outcome: "skipped", error: null, strippedResponse: "" } as const
  return { output: null, judgment, skipReason, problem: null }
}

function createFailedWork(thrown: unknown): Work {
  return { output: null, judgment: judgeFailure(thrown), problem: toError(thrown) }
}
