import type { SessionLog } from "../../core/ports/store/session-log.ts"

const retryMs = 1_000

/** Notifies a viewer when another process may have written to its session. */
export class StoreWatch {
  readonly #log: SessionLog
  readonly #sessionId: string
  #viewer: { makeStale(): void } | null = null
  #watching: AbortController | null = null

  constructor(log: SessionLog, sessionId: string) {
    this.#log = log
    this.#sessionId = sessionId
  }

  /** Notifies this viewer from now on. It may also be notified of earlier writes. */
  reportTo(viewer: { makeStale(): void }): void {
    this.#viewer = viewer
    if (this.#watching !== null) return
    const watching = new AbortController()
    this.#watching = watching
    this.#watch(watching.signal).catch(() => {
      // The viewer reads again, which reports a lasting failure of the store.
      setTimeout(() => this.#viewer?.makeStale(), retryMs).unref()
      if (this.#watching === watching) this.#watching = null
    })
  }

  stop(): void {
    this.#viewer = null
    this.#watching?.abort()
    this.#watching = null
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for await (const _ of this.#log.watch(this.#sessionId, { signal })) this.#viewer?.makeStale()
  }
}
