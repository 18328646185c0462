import { estimateJsonSize } from "../../../core/json/json-size.ts"
import type { Conversation } from "../../agent/conversation.ts"
import type { SnapshotProgress } from "./snapshot-progress.ts"

/** Maximum estimated bytes of all kept folds. */
const maxBytes = 64 * 1024 * 1024
/** Bytes of memory for each character of a text, at most. */
const bytesPerCharacter = 2
/** Bytes of a fold without its texts. */
const fixedBytes = 2_000

/** The conversation of a session that this process has released. */
export interface WarmFold {
  readonly conversation: Conversation
  readonly progress: SnapshotProgress
  /** The epoch in which the session was released. `lastSeq` is the newest stored entry at that time. */
  readonly epoch: number
  readonly lastSeq: number
}

/** The moment at which a session is claimed. */
export interface ClaimedAt {
  readonly epoch: number
  readonly lastSeq: number
}

/** Keeps the conversations of the sessions that were released last, bounded in bytes. */
export class WarmFolds {
  readonly #kept = new Map<string, { readonly fold: WarmFold; readonly bytes: number }>()
  readonly #maxBytes: number
  #bytes = 0

  constructor({ maxBytes: most = maxBytes }: { readonly maxBytes?: number } = {}) {
    this.#maxBytes = most
  }

  /** Estimated bytes of all kept folds. */
  get bytes(): number {
    return this.#bytes
  }

  /** Keeps a fold, unless the fold alone would take more than half of the bytes. */
  keep(sessionId: string, fold: WarmFold): void {
    this.#forget(sessionId)
    const bytes = estimateBytes(fold.conversation)
    if (bytes > this.#maxBytes / 2) return
    this.#kept.set(sessionId, { fold, bytes })
    this.#bytes += bytes
    for (const idlest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#forget(idlest)
    }
  }

  /**
   * Removes and returns the fold of a session that was claimed. Returns null if another process may have written to
   * the session since: if the epoch is not the next one, or the newest entry is another.
   */
  take(sessionId: string, { epoch, lastSeq }: ClaimedAt): WarmFold | null {
    const fold = this.#kept.get(sessionId)?.fold
    this.#forget(sessionId)
    return fold !== undefined && fold.epoch + 1 === epoch && fold.lastSeq === lastSeq ? fold : null
  }

  #forget(sessionId: string): void {
    this.#bytes -= this.#kept.get(sessionId)?.bytes ?? 0
    this.#kept.delete(sessionId)
  }
}

function estimateBytes({ history, run, tasks }: Conversation): number {
  const { runnerState = null, started = null, phase = null } = run ?? {}
  const calls = phase?.type === "settling" ? [...phase.calls.values()] : []
  const state = [history.compacted, runnerState, started, calls, tasks.capture()]
  const characters = history.characters + estimateJsonSize(state) + 100 * history.origins.length
  return fixedBytes + bytesPerCharacter * characters
}
