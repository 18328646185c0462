import {
  maxWaitingOccurrences,
  type Schedule,
  type ScheduleChange,
  type SkippedOccurrence,
} from "../../core/ports/store/schedules.ts"
import type { Timetable } from "../../platform/cron/cron.ts"

/** The next step of a schedule that is due. */
export interface PlannedStep {
  readonly change: ScheduleChange
  readonly skipped: readonly SkippedOccurrence[]
  /** Null if no occurrence fires now. */
  readonly fires: PlannedFiring | null
}

export interface PlannedFiring {
  readonly at: number
  /** If true, it always waits for other runs of its session, because it has waited before. */
  readonly hasWaited: boolean
}

/** Milliseconds after which an occurrence that did not fire counts as missed. */
const lateMs = 60_000
/** Milliseconds between two checks of a run that others wait for. */
const waitingPauseMs = 1_000

/** Decides what happens to the first due occurrence, or to the first one that waits. */
export function planStep(schedule: Schedule, now: number, timetable: Timetable): PlannedStep {
  const { nextAt, waiting, isRunning } = schedule
  const isDue = nextAt !== null && nextAt <= now
  if (isDue && now - nextAt > lateMs) return planCatchUp(schedule, { now, timetable, missed: nextAt })
  const [first, ...others] = waiting
  if (isDue && (first !== undefined || isRunning))
    return planOverlap(schedule, { now, timetable, at: nextAt })
  if (first !== undefined && !isRunning)
    return step({ ...schedule, waiting: others }, now, { fires: { at: first, hasWaited: true } })
  if (first === undefined && isDue)
    return step({ ...schedule, nextAt: timetable.after(nextAt) }, now, {
      fires: { at: nextAt, hasWaited: false },
    })
  return step(schedule, now, {})
}

/** Handles occurrences that no process fired in time. Those of the last minute are left to the next steps. */
function planCatchUp(
  schedule: Schedule,
  {
    now,
    timetable,
    missed,
  }: { readonly now: number; readonly timetable: Timetable; readonly missed: number },
): PlannedStep {
  const onTime = timetable.after(now - lateMs)
  const next = { ...schedule, nextAt: onTime }
  const createMissed = (at: number): SkippedOccurrence => ({ at, outcome: "missed", reason: "late" })
  switch (schedule.spec.catchUp) {
    case "none":
      return step(next, now, { skipped: [createMissed(missed)] })
    case "one":
      // One that is on time replaces those before it.
      if (onTime !== null && onTime <= now) return step(next, now, { skipped: [createMissed(missed)] })
      return step({ ...next, waiting: addWaiting(schedule, [missed]) }, now, {})
    case "all": {
      const room = maxWaitingOccurrences - schedule.waiting.length
      const times = timetable.between(missed - 1, now - lateMs + 1, room)
      const [first = null] = times
      const skipped = first === null || first > missed ? [createMissed(missed)] : []
      return step({ ...next, waiting: addWaiting(schedule, times) }, now, { skipped })
    }
    default:
      return schedule.spec.catchUp satisfies never
  }
}

/** Handles an occurrence that is due while the previous run is open. */
function planOverlap(
  schedule: Schedule,
  { now, timetable, at }: { readonly now: number; readonly timetable: Timetable; readonly at: number },
): PlannedStep {
  const { spec, waiting } = schedule
  const next = { ...schedule, nextAt: timetable.after(at) }
  // Behind missed occurrences that are made up for, it waits as well.
  const isSkipped = spec.overlap === "skip" && (spec.catchUp !== "all" || waiting.length === 0)
  if (isSkipped) return step(next, now, { skipped: [{ at, outcome: "skipped", reason: "still_running" }] })
  if (waiting.length >= maxWaitingOccurrences)
    return step(next, now, { skipped: [{ at, outcome: "skipped", reason: "queue_full" }] })
  return step({ ...next, waiting: [...waiting, at] }, now, {})
}

function addWaiting({ waiting }: Schedule, times: readonly number[]): readonly number[] {
  return [...waiting, ...times].slice(0, maxWaitingOccurrences)
}

function step(
  { nextAt, waiting, isRunning, state }: Schedule,
  now: number,
  { skipped = [], fires = null }: Partial<Pick<PlannedStep, "skipped" | "fires">>,
): PlannedStep {
  const hasEnded = nextAt === null && waiting.length === 0
  const waitsUntil = waiting.length === 0 ? null : now + (isRunning || fires !== null ? waitingPauseMs : 0)
  const wakeAt =
    nextAt === null || waitsUntil === null ? (nextAt ?? waitsUntil) : Math.min(nextAt, waitsUntil)
  return { change: { nextAt, waiting, wakeAt, state: hasEnded ? "ended" : state }, skipped, fires }
}
