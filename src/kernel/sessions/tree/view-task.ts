import type { LiveEntry } from "../../../core/log/entries.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { OpenCalls } from "./open-calls.ts"
import { createEmptyPresent, omitResolved, type Present } from "./session-state.ts"
import { ProgressFold, type TaskProgress, WaitFilter } from "./task-progress.ts"
import {
  awaitCreation,
  type ChildToView,
  type ChildViewOptions,
  type ChildViewParts,
  readPresentOfRun,
  type SubAgentStart,
} from "./view-child.ts"

/** A session that works for a background task, or for a call of such a session. */
export interface TaskToView extends ChildToView {
  /** The task whose progress is reported. Null for a sub-agent below the task's own. */
  readonly reported: Pick<TaskProgress, "taskId" | "name"> | null
}

/** Minimum milliseconds between two progress reports of one task. */
const intervalMs = 1_000
/** Maximum stored bytes of a session that is read from its start, which shows the task's total spending. */
const maxReplayedBytes = 1_000_000

/**
 * Yields the waits of a background session, its end, and its progress. Text is left out, because few subscribers show
 * it and every subscriber would pay for it.
 */
export async function* viewTask(
  parts: ChildViewParts,
  { reported, ...child }: TaskToView,
  { principal, throughLapse, settled, signal }: ChildViewOptions,
): AsyncGenerator<SubAgentStart | readonly LiveEntry[] | { readonly progress: TaskProgress }, undefined> {
  const { sessionId, runId, parentSessionId, isNew } = child
  const session = await awaitCreation(parts.log, sessionId, AbortSignal.any([settled, signal]))
  if (session?.parent?.sessionId !== parentSessionId || signal.aborted) return
  const present = isNew ? createEmptyPresent(0) : await readPresentOfRun(parts, { session, runId, signal })
  if (present === null) return
  const { turnStart: afterSeq, turn } = present
  const calls = new OpenCalls()
  yield { subAgent: { ...child, afterSeq, turn, startedAt: session.createdAt }, present, calls }

  const isWhole = isNew || session.storedBytes <= maxReplayedBytes
  const shown = new Picture(present, isWhole)
  const reader = principal === undefined ? {} : { principal }
  const options = { afterSeq: isWhole ? 0 : afterSeq, runId, signal, throughLapse, deltas: false, ...reader }
  const ending = new AbortController()
  const entries = parts.view(sessionId, options)[Symbol.asyncIterator]()
  let reading: Promise<IteratorResult<readonly LiveEntry[]>> | null = null
  let pause: Promise<null> | null = null
  try {
    for (;;) {
      if (shown.isChanged && pause === null) {
        shown.isChanged = false
        pause = sleep(intervalMs, AbortSignal.any([signal, ending.signal])).then(() => null)
        if (reported !== null) yield { progress: shown.progress.now(reported) }
      }
      reading ??= entries.next()
      const next = await (shown.isChanged && pause !== null ? Promise.race([reading, pause]) : reading)
      if (next === null) {
        pause = null
        continue
      }
      reading = null
      if (next.done === true) return
      const wasParked = calls.waits !== null
      for (const entry of next.value) if (entry.kind === "event") calls.apply(entry.event)
      const waits = shown.take(next.value)
      // A viewer that shows nothing new may wait for the moment in which the task is parked.
      if (waits.length > 0 || (calls.waits !== null && !wasParked)) yield waits
    }
  } finally {
    ending.abort()
    await entries.return?.()
  }
}

/** The parts of a background session that a subscriber sees. */
class Picture {
  readonly progress: ProgressFold
  readonly #present: Present
  readonly #filter = new WaitFilter()
  /** If true, the progress has changed since it was last shown. */
  isChanged = false

  constructor(present: Present, isWhole: boolean) {
    this.#present = present
    this.progress = new ProgressFold({ isWhole })
  }

  /** Returns the entries that are shown. */
  take(entries: readonly LiveEntry[]): readonly LiveEntry[] {
    const { turnStart } = this.#present
    for (const entry of entries) {
      if (entry.kind === "event" && this.progress.apply(entry.event)) this.isChanged = true
    }
    return omitResolved(entries, this.#present).filter((entry) => {
      return entry.kind === "event" && entry.seq > turnStart && this.#filter.isShown(entry.event)
    })
  }
}
