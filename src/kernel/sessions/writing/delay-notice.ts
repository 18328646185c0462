/** Milliseconds that entries wait for the store before subscribers are informed, and between two such notices. */
const firstAfterMs = 2_000
const repeatedAfterMs = 10_000

/** The notice for the subscribers of a run whose events the store cannot accept. */
export const delayedByStore =
  "The run waits because its progress cannot be stored at the moment. It continues when the store is available again."

/** Decides when subscribers are informed that the store delays their run. */
export class DelayNotice {
  /** Time of the next notice, by the monotonic clock. Null while the store accepts entries. */
  #dueAt: number | null = null

  /** Returns true if a notice is due. Must be called after each failed attempt to store. */
  isDue(): boolean {
    const now = performance.now()
    this.#dueAt ??= now + firstAfterMs
    if (now < this.#dueAt) return false
    this.#dueAt = now + repeatedAfterMs
    return true
  }

  /** Must be called when the store accepts entries again. */
  reset(): void {
    this.#dueAt = null
  }
}
