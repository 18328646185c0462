import type { LiveEntry, WaitOpened } from "../../../core/log/entries.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import { page, type Reader, type ReadQueue } from "../reading/read-queue.ts"

export type ChildWait = Extract<WaitOpened, { kind: "child" }>

/** The state of a session at one moment. */
export interface Present {
  /** Sequence number before the first entry of its last turn. */
  readonly turnStart: number
  /** The number of its last turn, from 1. */
  readonly turn: number
  /** Sequence number of its last stored entry. */
  readonly lastSeq: number
  /** The open waits for sub-agents, oldest first. */
  readonly children: readonly ChildWait[]
  /** Ids of the last turn's waits that have ended. */
  readonly resolved: ReadonlySet<string>
}

export interface PresentOptions {
  readonly log: Pick<SessionLog, "stepStart">
  readonly reads: ReadQueue
  readonly reader: Reader
  /** The run whose waits count. Default: every run. */
  readonly runId?: string | undefined
}

/** Returns the state of a session that has stored nothing after `seq`. */
export function createEmptyPresent(seq: number): Present {
  return { turnStart: seq, turn: 1, lastSeq: seq, children: [], resolved: new Set() }
}

/**
 * Reads the open state of the session up to `lastSeq`. A wait ends within the turn that opened it, so only the last
 * turn is read.
 */
export async function readPresent(
  { log, reads, reader, runId }: PresentOptions,
  { id: sessionId, lastSeq }: { readonly id: string; readonly lastSeq: number },
): Promise<Present> {
  const start = await log.stepStart(sessionId, lastSeq)
  const turnStart = start === 0 ? 0 : start - 1
  const open = new Map<string, ChildWait>()
  const resolved = new Set<string>()
  const options = { ...page, deltas: false, replacedHistories: false }
  let afterSeq = turnStart
  let turn = 1
  while (afterSeq < lastSeq) {
    const entries = await reads.read(reader, sessionId, { ...options, afterSeq })
    const last = entries?.at(-1)
    if (entries === null || last === undefined) break
    for (const entry of entries) {
      if (entry.kind !== "event" || entry.seq > lastSeq) continue
      if (runId !== undefined && entry.runId !== runId) continue
      const { event } = entry
      if (event.type === "stepStarted") turn = event.step
      if (event.type === "waitOpened" && event.kind === "child") open.set(event.waitId, event)
      if (event.type === "waitResolved") {
        open.delete(event.waitId)
        resolved.add(event.waitId)
      }
    }
    afterSeq = last.seq
  }
  return { turnStart, turn, lastSeq, children: [...open.values()], resolved }
}

/** Returns the entries without the waits that had ended at that moment. */
export function omitResolved(
  entries: readonly LiveEntry[],
  { lastSeq, resolved }: Present,
): readonly LiveEntry[] {
  const isShown = (entry: LiveEntry) => {
    if (entry.kind !== "event" || entry.seq > lastSeq) return true
    const { event } = entry
    return !(event.type === "waitOpened" || event.type === "waitResolved") || !resolved.has(event.waitId)
  }
  // In the usual case, the batch stays the same object, by which renderings are shared.
  return resolved.size === 0 || entries.every(isShown) ? entries : entries.filter(isShown)
}
