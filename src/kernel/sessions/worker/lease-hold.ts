import type { Hold } from "../../../core/ports/run/hold.ts"
import type { Liveness } from "../../../core/ports/store/liveness.ts"

/**
 * The hold of one process on all its sessions (rule 8, liveness). After a lapse it is not enough to be live again,
 * because another process may have taken any of the sessions meanwhile. The hold stays uncertain until the leases
 * have been compared with the store's.
 */
export class LeaseHold implements Hold {
  readonly #liveness: Liveness
  readonly #forget: () => void
  readonly #lapseListeners = new Set<() => void>()
  readonly #waiters = new Set<() => void>()
  #inDoubt = false
  /** Counts lapses and their ends, so that a comparison that started before one of them confirms nothing. */
  #changes = 0

  /** Calls `onRenewed` when the process is live again, to start the comparison. */
  constructor(liveness: Liveness, onRenewed: () => void) {
    this.#liveness = liveness
    this.#forget = liveness.onChange((isLive) => {
      this.#changes++
      if (isLive) onRenewed()
      else this.#lapse()
    })
  }

  /** A value for `confirm`, which the caller reads before it starts a comparison. */
  get state(): number {
    return this.#changes
  }

  isCertain(): boolean {
    return !this.#inDoubt && this.#liveness.isLive()
  }

  async untilCertain(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.isCertain()) return
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiters.delete(look)
        signal.removeEventListener("abort", look)
      }
      const look = () => {
        if (signal.aborted) {
          done()
          reject(signal.reason)
        } else if (this.isCertain()) {
          done()
          resolve()
        }
      }
      this.#waiters.add(look)
      signal.addEventListener("abort", look)
      look()
    })
  }

  onLapse(listener: () => void): () => void {
    this.#lapseListeners.add(listener)
    return () => this.#lapseListeners.delete(listener)
  }

  /** Confirms that the store has the leases in use, by a comparison that started in this state. */
  confirm(state: number): void {
    if (!this.#inDoubt || state !== this.#changes || !this.#liveness.isLive()) return
    this.#inDoubt = false
    for (const look of [...this.#waiters]) look()
  }

  close(): void {
    this.#forget()
  }

  #lapse(): void {
    this.#inDoubt = true
    const listeners = [...this.#lapseListeners]
    this.#lapseListeners.clear()
    for (const listener of listeners) listener()
  }
}
