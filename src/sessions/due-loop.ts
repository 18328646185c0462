import type { Logger } from "../core/ports/logger.ts"
import { sleep } from "../core/time/sleep.ts"

export interface DueLoopOptions {
  /** Named in the log. */
  readonly job: string
  /** Yields when something may have become due. */
  readonly arrivals: (options: { readonly signal: AbortSignal }) => AsyncIterable<void>
  /**
   * Starts what is due and resolves to the milliseconds until more is, or null if that is not known. `heard` says
   * that something arrived since the last round.
   */
  readonly round: (heard: boolean) => Promise<number | null>
  /** Milliseconds from an arrival to its round, so that arrivals in quick succession share one. */
  readonly lingerMs: number
  readonly logger: Logger
}

/** Bounds what an idle process asks of the store: one round a second. */
const pollMs = 1_000
/** Milliseconds before another look at rows that are due but were being claimed by others. */
const shortestPauseMs = 50

/**
 * Looks for what is due: at each arrival, when the next is due, and once a second for what other processes left
 * behind.
 */
export class DueLoop {
  readonly #options: DueLoopOptions
  readonly #stop = new AbortController()
  #wake = new AbortController()
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: DueLoopOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = Promise.all([this.#listen(), this.#loop()])
  }

  /** Has the next round begin soon. */
  wake(): void {
    this.#wake.abort()
  }

  /** Resolves when the last round has ended. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#running
  }

  /** Never rejects: without arrivals, the loop looks once a second. */
  async #listen(): Promise<void> {
    const { job, arrivals, logger } = this.#options
    try {
      for await (const _ of arrivals({ signal: this.#stop.signal })) this.wake()
    } catch (error) {
      logger.warn({ error, job }, "Arrivals of due work are no longer heard. It is looked for once a second.")
    }
  }

  async #loop(): Promise<void> {
    const { job, round, lingerMs, logger } = this.#options
    let heard = false
    let failing = false
    while (!this.#stop.signal.aborted) {
      let pauseMs = pollMs
      try {
        pauseMs = Math.min(Math.max((await round(heard)) ?? pollMs, shortestPauseMs), pollMs)
        failing = false
      } catch (error) {
        if (!failing)
          logger.warn({ error, job }, "The store could not be asked for due work. It is asked again.")
        failing = true
      }
      await sleep(pauseMs, this.#wake.signal)
      heard = this.#wake.signal.aborted
      if (heard) await sleep(lingerMs, this.#stop.signal)
      this.#wake = new AbortController()
    }
  }
}
