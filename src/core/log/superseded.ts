import type { EventEntry, RunStarted } from "./entries.ts"
import type { HistoryForked } from "./history-events.ts"

/** A part of the log. Both ends belong to it. */
export interface LogRange {
  readonly fromSeq: number
  readonly toSeq: number
}

/** The start of a run, as the log has it. */
export interface StartedRun {
  readonly seq: number
  readonly started: RunStarted
  /** The event of the same commit if the run superseded another one. */
  readonly fork: HistoryForked | null
}

/**
 * Returns the ranges that are superseded once another run takes the place of this one and of everything up to `toSeq`
 * (rule 20, superseding). A run of an earlier branch brings back the part of its branch that is before it.
 */
export function supersedeRun({ seq, started, fork }: StartedRun, toSeq: number): readonly LogRange[] {
  // A run that took the place of another one has the same place.
  const fromSeq = fork?.fromSeq ?? seq
  const before = (started.superseded ?? []).filter((range) => range.fromSeq < fromSeq)
  return [...before, { fromSeq, toSeq }]
}

/** Returns the superseded range that contains the place. Undefined if there is none. */
export function findRange(ranges: readonly LogRange[], seq: number): LogRange | undefined {
  return ranges.find(({ fromSeq, toSeq }) => fromSeq <= seq && seq <= toSeq)
}

/** Returns true for an event that a fold for a model skips. Session events always count. */
export function isSuperseded(ranges: readonly LogRange[], { runId, seq }: EventEntry): boolean {
  return runId !== null && findRange(ranges, seq) !== undefined
}
