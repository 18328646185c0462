import type { Logger } from "../../core/ports/logger.ts"
import { sleep } from "../../core/time/sleep.ts"

export interface DueLoopOptions {
  /** Name of the job for the log. */
  readonly job: string
  /** Yields when new work may be due. */
  readonly arrivals: (options: { readonly signal: AbortSignal }) => AsyncIterable<void>
  /**
   * Starts the due work. Resolves to the milliseconds until more work is due, or null if the time is not known.
   * `heard` is true if something arrived since the last round.
   */
  readonly round: (heard: boolean) => Promise<number | null>
  /** Milliseconds from an arrival to its round, so that arrivals in quick succession share one round. */
  readonly lingerMs: number
  readonly logger: Logger
}

/** Milliseconds between the rounds of an idle process. This bounds its requests to the store. */
const pollMs = 1_000
/** Minimum milliseconds before the next check of due rows that other processes were claiming. */
const shortestPauseMs = 50

/**
 * Runs rounds of due work: at each arrival, when the next work is due, and once a second for work that other
 * processes left.
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

  /** Starts the next round soon. */
  wake(): void {
    this.#wake.abort()
  }

  /** Resolves when the last round has ended. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#running
  }

  /** Never rejects. If there are no arrivals, the loop runs once a second. */
  async #listen(): Promise<void> {
    const { job, arrivals, logger } = this.#options
    try {
      for await (const _ of arrivals({ signal: this.#stop.signal })) this.wake()
    } catch (error) {
      logger.warn(
        { error, job },
        "The store's notifications of due work stopped. The gateway looks for due work once a second.",
      )
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
          logger.warn({ error, job }, "Due work could not be read from the store. The gateway tries again.")
        failing = true
      }
      await sleep(pauseMs, this.#wake.signal)
      heard = this.#wake.signal.aborted
      if (heard) await sleep(lingerMs, this.#stop.signal)
      this.#wake = new AbortController()
    }
  }
}
