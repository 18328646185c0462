import type { LogRange } from "../../../core/log/superseded.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Lease, Session, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { Snapshots } from "../../../core/ports/store/snapshots.ts"
import { Conversation } from "../../agent/conversation.ts"
import { type FoldPlan, foldForModel, planFold } from "../reading/plan-fold.ts"
import type { Reader, ReadQueue } from "../reading/read-queue.ts"
import { continueRestored } from "./continue-restored.ts"
import { readSnapshot, refuse } from "./read-snapshot.ts"
import { SnapshotProgress } from "./snapshot-progress.ts"
import { SnapshotWriter } from "./snapshot-writer.ts"
import { WarmFolds } from "./warm-folds.ts"

export interface SessionFoldsOptions {
  readonly log: SessionLog
  readonly snapshots: Snapshots
  readonly reads: ReadQueue
  readonly logger: Logger
  /** For tests. Default: 64 MiB. */
  readonly maxWarmBytes?: number
}

export interface LoadOptions {
  readonly lease: Lease
  readonly session: Session
  readonly reader: Reader
}

/** A conversation with its snapshot progress, for the process that works on the session. */
export interface LoadedFold {
  readonly conversation: Conversation
  readonly progress: SnapshotProgress
}

/**
 * Provides the conversations of claimed sessions: from the memory of this process, from a snapshot and the events
 * after it, or from the log.
 */
export class SessionFolds {
  readonly #options: SessionFoldsOptions
  readonly #warm: WarmFolds
  readonly #writer: SnapshotWriter

  constructor(options: SessionFoldsOptions) {
    this.#options = options
    const { maxWarmBytes } = options
    this.#warm = new WarmFolds(maxWarmBytes === undefined ? {} : { maxBytes: maxWarmBytes })
    this.#writer = new SnapshotWriter(options)
  }

  /**
   * Loads the conversation of a session that no other process writes. Resolves to null when the reader's signal
   * aborts.
   */
  async load(options: LoadOptions): Promise<LoadedFold | null> {
    const { lease, session } = options
    const warm = this.#warm.take(session.id, { epoch: lease.epoch, lastSeq: session.lastSeq })
    if (warm !== null) {
      warm.progress.epoch = lease.epoch
      return warm
    }
    return this.#load(options)
  }

  /**
   * Loads the conversation without the superseded runs, as it was before the last of them. Resolves to null when the
   * reader's signal aborts.
   */
  async loadPlace(options: LoadOptions, superseded: readonly LogRange[]): Promise<Conversation | null> {
    return (await this.#load(options, superseded))?.conversation ?? null
  }

  async #load(options: LoadOptions, superseded?: readonly LogRange[]): Promise<LoadedFold | null> {
    const { lease, session, reader } = options
    const fromLog = { conversation: new Conversation(), progress: new SnapshotProgress(lease.epoch, null) }
    if (session.lastSeq === 0) return fromLog
    const plan = await planFold(this.#options.log, session.id, superseded)
    const restored = await this.#restore(options, plan)
    if (restored !== null || reader.signal.aborted) return restored
    const source = { ...this.#options, session, reader }
    for await (const _ of foldForModel(source, plan, fromLog.conversation));
    return reader.signal.aborted ? null : fromLog
  }

  /** Resolves to null if there is no usable snapshot, or once the reader's signal aborts. */
  async #restore({ lease, session, reader }: LoadOptions, plan: FoldPlan): Promise<LoadedFold | null> {
    const restored = await readSnapshot(this.#options, { session, reader, plan })
    if (restored === null) return null
    const { conversation, written } = restored
    const source = { ...this.#options, session, reader }
    const isContinued = await continueRestored(source, conversation, plan.superseded)
    if (reader.signal.aborted) return null
    if (!isContinued) return refuse(this.#options, session, "the log has another event at its place")
    return { conversation, progress: new SnapshotProgress(lease.epoch, written) }
  }

  /** Keeps the conversation of a released session in memory. The conversation must contain every stored event. */
  keep(lease: Lease, { conversation, progress }: LoadedFold, lastSeq: number): void {
    this.#warm.keep(lease.sessionId, { conversation, progress, epoch: lease.epoch, lastSeq })
  }

  /** Queues a snapshot if one is due and no step is open. The conversation must contain every stored event. */
  snapshotIfDue(sessionId: string, { conversation, progress }: LoadedFold): void {
    const { last } = conversation.progress
    if (last === null || !progress.isDue(conversation)) return
    const state = conversation.capture()
    if (state === null) return
    progress.captured(conversation)
    this.#writer.write(sessionId, { captured: { last, state }, progress })
  }

  /** Resolves when all queued snapshots are written. */
  settled(): Promise<void> {
    return this.#writer.settled()
  }

  /** Discards queued snapshots. Resolves when the store is no longer in use. */
  close(): Promise<void> {
    return this.#writer.close()
  }
}
