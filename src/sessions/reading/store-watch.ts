import type { SessionLog } from "../../core/ports/session-log.ts"

const retryMs = 1_000

/** Tells a viewer when another process may have written to the session that it shows. */
export class StoreWatch {
  readonly #log: SessionLog
  readonly #sessionId: string
  #viewer: { makeStale(): void } | null = null
  #watching: AbortController | null = null

  constructor(log: SessionLog, sessionId: string) {
    this.#log = log
    this.#sessionId = sessionId
  }

  /** From now on this viewer is told; anything written before may be told once more. */
  reportTo(viewer: { makeStale(): void }): void {
    this.#viewer = viewer
    if (this.#watching !== null) return
    const watching = new AbortController()
    this.#watching = watching
    this.#watch(watching.signal).catch(() => {
      // The viewer reads again, and so finds out what is wrong with the store if it is there to stay.
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
