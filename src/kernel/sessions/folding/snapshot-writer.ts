import type { Logger } from "../../../core/ports/logger.ts"
import type { Snapshots } from "../../../core/ports/store/snapshots.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import type { WrittenSnapshot } from "./read-snapshot.ts"
import {
  type CapturedFold,
  dropFirst,
  dropLast,
  encodeBody,
  encodeSegment,
  foldVersion,
  isTooLarge,
  type Segment,
  splitIntoSegments,
} from "./snapshot-form.ts"
import type { SnapshotProgress } from "./snapshot-progress.ts"

/** Maximum number of queued snapshots. Further ones are not written. */
const maxWaiting = 100

interface Job {
  readonly captured: CapturedFold
  readonly progress: SnapshotProgress
}

/** Writes snapshots one after the other. Runs never wait for a snapshot. */
export class SnapshotWriter {
  readonly #snapshots: Snapshots
  readonly #logger: Logger
  /** Queued snapshots by session. A newer snapshot replaces the queued one. */
  readonly #waiting = new Map<string, Job>()
  #working: Promise<void> | null = null
  #isClosed = false

  constructor({ snapshots, logger }: { readonly snapshots: Snapshots; readonly logger: Logger }) {
    this.#snapshots = snapshots
    this.#logger = logger
  }

  write(sessionId: string, job: Job): void {
    if (this.#isClosed || (this.#waiting.size >= maxWaiting && !this.#waiting.has(sessionId))) return
    this.#waiting.set(sessionId, job)
    this.#working ??= this.#work().finally(() => {
      this.#working = null
    })
  }

  /** Resolves when all queued snapshots are written. */
  async settled(): Promise<void> {
    await this.#working
  }

  /** Discards queued snapshots, which only save time. Resolves when the store is no longer in use. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#waiting.clear()
    await this.#working
  }

  async #work(): Promise<void> {
    for (;;) {
      await waitForNextSlice()
      const [next] = this.#waiting
      if (next === undefined) return
      const [sessionId, job] = next
      this.#waiting.delete(sessionId)
      const { progress } = job
      const former = progress.written
      progress.written = null
      try {
        progress.written = await this.#put(sessionId, job, former)
      } catch (error) {
        this.#logger.warn(
          { error, sessionId },
          "A snapshot of a session was not stored. The log has everything.",
        )
      }
    }
  }

  /** Resolves to null if the snapshot was not stored. */
  async #put(
    sessionId: string,
    { captured: { last, state }, progress }: Job,
    former: WrittenSnapshot | null,
  ): Promise<WrittenSnapshot | null> {
    const { history } = state
    const kept = former !== null && beginsWith(history.messages, former.messages) ? former : nothing
    const added = [...splitIntoSegments(dropLast(dropFirst(history, kept.messages.length)))]
    const messages = [...kept.messages, ...added.flatMap((each) => each.messages)]
    const rest = { ...state, history: dropFirst(history, messages.length) }
    if (isTooLarge(rest)) return former
    // The former snapshot is removed first, so that its rows cannot be mistaken for rows of the new one.
    const place = () => ({ sessionId, epoch: progress.epoch })
    if (kept === nothing && !(await this.#snapshots.drop(place()))) return null
    const segments: Segment[] = [...kept.segments]
    const rows: Uint8Array[] = []
    for (const each of added) {
      if (this.#isClosed) return null
      const encoded = await encodeSegment(each)
      segments.push(encoded.segment)
      rows.push(...encoded.rows)
      await waitForNextSlice()
    }
    const body = await encodeBody({ last, segments, state: rest })
    if (body === null) return null
    const keptRows = kept.segments.reduce((sum, segment) => sum + segment.rows, 0)
    const outcome = await this.#snapshots.put(place(), {
      version: foldVersion,
      seq: last.seq,
      body,
      keptRows,
      rows,
    })
    return outcome === "stored" ? { segments, messages } : null
  }
}

const nothing: WrittenSnapshot = { segments: [], messages: [] }

function beginsWith<Item>(items: readonly Item[], first: readonly Item[]): boolean {
  return first.length <= items.length && first.every((item, index) => items[index] === item)
}
