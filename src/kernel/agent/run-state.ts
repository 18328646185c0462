import type { Json } from "../../core/json/json.ts"
import type { CompactionStarted } from "../../core/log/compaction.ts"
import type { EventEntry, MessageCompleted, RunStarted, StepStarted } from "../../core/log/entries.ts"
import type { StopReason } from "../../core/ports/model/provider.ts"
import { type Cost, noSpending, type Spending } from "../../core/usage.ts"
import type { CallState } from "./tools/call-state.ts"

/** The step of a call without a model. It has no response. */
interface DirectStep {
  readonly stepId: string
  readonly messageId: string
  readonly message: null
  readonly stopReason: "end"
}

/** An open run. It changes only by `Conversation.apply`. */
export interface RunState {
  readonly runId: string
  readonly started: RunStarted
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  spent: Spending
  /** The amount that counts against the run's budget. */
  charged: Cost
  /** Usage and cost of the newest step, including failed model calls. */
  stepSpent: Spending
  /** Number of failed model calls of the newest step. */
  failedCalls: number
  /** Index of the model in use among the agent's models; those before it have failed. */
  modelIndex: number
  /** Number of responses that did not match the requested schema. */
  outputRejections: number
  /** Number of consecutive steps without progress: the model paused, or none of its calls could be parsed. */
  fruitlessSteps: number
  /** The state that a runner saved last. */
  runnerState: Json
  /** Number of started steps. */
  steps: number
  /** Names of the first different tools that the model called, in the order of their first calls. */
  toolsUsed: readonly string[]
  /** Epochs that started with work that a crash had interrupted. */
  readonly crashes: Set<number>
  /** US dollars that each running background task may still use, by task. */
  readonly reservedByTasks: Map<string, number>
  /** The request for a summary that has not ended. */
  compacting: CompactionStarted | null
  /** If true, the messages were compacted or shortened since the newest step started. */
  compactedInStep: boolean
  /** Number of failed requests for a summary since the last compaction. */
  failedCompactions: number
  phase: RunPhase
}

export type RunPhase =
  /** Between steps. `stopReason` is that of the last step, and null before the first one. */
  | { readonly type: "ready"; readonly stopReason: StopReason | null }
  /** A model call was announced and has no response yet. */
  | { readonly type: "calling"; readonly step: StepStarted; readonly startedAt: number; attempt: number }
  /** The model has responded, or none is asked. The calls, if any, are settled one by one. */
  | {
      readonly type: "settling"
      readonly completed: MessageCompleted | DirectStep
      readonly calls: Map<string, CallState>
    }

/** Returns the state of a run that has just started. */
export function startRun(started: RunStarted, { runId, at }: Pick<EventEntry, "runId" | "at">): RunState {
  return {
    runId: runId ?? "",
    started,
    startedAt: at,
    spent: noSpending,
    stepSpent: noSpending,
    charged: 0,
    failedCalls: 0,
    modelIndex: 0,
    outputRejections: 0,
    fruitlessSteps: 0,
    runnerState: null,
    steps: 0,
    toolsUsed: [],
    crashes: new Set(),
    reservedByTasks: new Map(),
    compacting: null,
    compactedInStep: false,
    failedCompactions: 0,
    phase: { type: "ready", stopReason: null },
  }
}

/** Opens the calls of a step without a model, which has no response that opens them. */
export function openDirectStep(run: RunState, { stepId }: Pick<StepStarted, "stepId">): void {
  if (run.phase.type !== "calling") return
  const { messageId } = run.phase.step
  const completed = { stepId, messageId, message: null, stopReason: "end" } as const
  run.phase = { type: "settling", completed, calls: new Map() }
}

/** The state of a run between two steps, as plain data. */
export interface PlainRunState extends Omit<RunState, "crashes" | "reservedByTasks" | "phase"> {
  readonly crashes: readonly number[]
  readonly reservedByTasks: readonly (readonly [string, number])[]
  readonly stopReason: StopReason | null
}

/** Copies the state of a run as plain data. Returns null within a step, whose calls are not copied. */
export function captureRun({ crashes, reservedByTasks, phase, ...rest }: RunState): PlainRunState | null {
  if (phase.type !== "ready") return null
  const { stopReason } = phase
  return { ...rest, crashes: [...crashes], reservedByTasks: [...reservedByTasks], stopReason }
}

export function restoreRun({ crashes, reservedByTasks, stopReason, ...rest }: PlainRunState): RunState {
  const phase = { type: "ready", stopReason } as const
  return { ...rest, crashes: new Set(crashes), reservedByTasks: new Map(reservedByTasks), phase }
}
