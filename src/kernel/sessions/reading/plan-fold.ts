import { findRange, isSuperseded, type LogRange } from "../../../core/log/superseded.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import type { Conversation } from "../../agent/conversation.ts"
import { type FoldOptions, foldPages } from "./load-conversation.ts"

type Starts = Pick<SessionLog, "read" | "runStart" | "historyStart" | "compactionStart">

/** The part of the log that a fold for a model reads. */
export interface FoldPlan {
  /** The event with which the fold starts, or 0 for the start of the log. */
  readonly fromSeq: number
  /** The ranges whose runs the fold skips (rule 20, superseding). */
  readonly superseded: readonly LogRange[]
}

/** Resolves to the plan of a fold. Without `superseded`, it skips what the newest run skips. */
export async function planFold(
  log: Starts,
  sessionId: string,
  superseded?: readonly LogRange[],
): Promise<FoldPlan> {
  const skipped = superseded ?? (await readSuperseded(log, sessionId, Number.MAX_SAFE_INTEGER))
  return { fromSeq: await foldStart(log, sessionId, skipped), superseded: skipped }
}

/** Resolves to the ranges that the last run at or before a sequence number skips. Its start has them all. */
export async function readSuperseded(
  log: Pick<Starts, "read" | "runStart">,
  sessionId: string,
  seq: number,
): Promise<readonly LogRange[]> {
  const startedAt = await log.runStart(sessionId, seq)
  if (startedAt === 0) return []
  const [entry] = await log.read(sessionId, { afterSeq: startedAt - 1, limit: 1, deltas: false })
  return entry?.kind === "event" && entry.event.type === "runStarted" ? (entry.event.superseded ?? []) : []
}

/**
 * Resolves to the sequence number at which a fold for a model starts: the start of the run with the first message
 * after the last compaction, or the event that replaced the history, if that is later. 0 is the start of the log.
 */
async function foldStart(log: Starts, sessionId: string, superseded: readonly LogRange[]): Promise<number> {
  const replacedAt = await findReplacement(log, sessionId, superseded)
  const compactedAt = await findCompaction(log, sessionId, superseded)
  if (compactedAt <= replacedAt) return replacedAt
  const [entry] = await log.read(sessionId, { afterSeq: compactedAt - 1, limit: 1, deltas: false })
  if (entry?.kind !== "event" || entry.event.type !== "historyCompacted") return replacedAt
  return Math.max(replacedAt, await log.runStart(sessionId, entry.event.keptFromSeq))
}

/** Resolves to the last `historyReplaced` that is not superseded; 0 if there is none. */
export function findReplacement(
  log: Pick<Starts, "historyStart">,
  sessionId: string,
  superseded: readonly LogRange[],
): Promise<number> {
  return findLast(superseded, (seq) => log.historyStart(sessionId, seq))
}

/** Resolves to the last `historyCompacted` that is not superseded; 0 if there is none. */
export function findCompaction(
  log: Pick<Starts, "compactionStart">,
  sessionId: string,
  superseded: readonly LogRange[],
): Promise<number> {
  return findLast(superseded, (seq) => log.compactionStart(sessionId, seq))
}

/** Resolves to the last place that `find` returns outside the ranges. */
async function findLast(
  superseded: readonly LogRange[],
  find: (seq: number) => Promise<number>,
): Promise<number> {
  let seq = await find(Number.MAX_SAFE_INTEGER)
  for (;;) {
    const range = findRange(superseded, seq)
    if (range === undefined) return seq
    seq = await find(range.fromSeq - 1)
  }
}

/** Yields after each page of the log that was applied to the conversation. Superseded runs are skipped. */
export function foldForModel(
  source: FoldOptions,
  { fromSeq, superseded }: FoldPlan,
  conversation: Conversation,
): AsyncGenerator<number> {
  const range = { fromSeq, upToSeq: source.session.lastSeq }
  return foldPages(source, range, (entry) => {
    if (!isSuperseded(superseded, entry)) conversation.apply(entry)
  })
}
