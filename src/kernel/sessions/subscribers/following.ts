import type { Logger } from "../../../core/ports/logger.ts"
import type { Subscriber, Subscriptions } from "../../../core/ports/store/subscriptions.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { DueLoop } from "../due-loop.ts"
import type { ReadQueue } from "../reading/read-queue.ts"
import { computeLeaseMs, followSession } from "./follower.ts"

/** Maximum number of sessions whose events one subscriber receives at once. */
const maxConcurrent = 8
/** Milliseconds in which commits are collected and read together. */
const lingerMs = 50
/** Milliseconds between two registrations of a process's subscribers. */
const registerMs = 600_000
/** Milliseconds between two checks of a stopping process for work in progress. */
const stopPauseMs = 1_000

export interface FollowingOptions {
  readonly subscriptions: Subscriptions
  readonly reads: ReadQueue
  /** The subscribers. Their names differ. */
  readonly subscribers: readonly Subscriber[]
  /** The agents whose sessions the subscribers follow. */
  readonly agents: readonly string[]
  readonly logger: Logger
}

/**
 * Delivers the events of all sessions to subscribers: this process's share. Does nothing if there are no subscribers.
 */
export class Following {
  readonly #options: FollowingOptions
  readonly #loop: DueLoop
  readonly #stop = new AbortController()
  /** Sessions whose events are being delivered, by subscriber. */
  readonly #active = new Map<Subscriber, Set<Promise<void>>>()
  #registeredAt = 0

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#loop = new DueLoop({
      job: "subscribers",
      arrivals: (waiting) => options.subscriptions.arrivals(waiting),
      round: (heard) => this.#round(heard),
      lingerMs,
      logger: options.logger,
    })
  }

  /** Resolves when the store follows sessions for the subscribers. */
  async start(): Promise<void> {
    if (this.#options.subscribers.length === 0) return
    await this.#register()
    this.#loop.start()
  }

  /**
   * Delivers due events until `deadline` aborts, then releases the rest. Resolves when no subscriber call is running.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    if (this.#options.subscribers.length === 0) return
    await this.#loop.stop()
    const abort = () => this.#stop.abort(new Error("The process stops."))
    deadline.addEventListener("abort", abort, { once: true })
    if (deadline.aborted) abort()
    try {
      do {
        await this.#claimAll(this.#options.subscribers)
        const active = this.#deliveries()
        if (active.length > 0) await Promise.race([...active, sleep(stopPauseMs, this.#stop.signal)])
      } while (!this.#stop.signal.aborted && (await this.#isDue()))
    } catch (error) {
      const message = "Subscribers could not be given the last events. They receive them later."
      this.#options.logger.warn({ error }, message)
    }
    await Promise.all(this.#deliveries())
    deadline.removeEventListener("abort", abort)
  }

  #deliveries(): readonly Promise<void>[] {
    return [...this.#active.values()].flatMap((active) => [...active])
  }

  async #isDue(): Promise<boolean> {
    if (this.#deliveries().length > 0) return true
    const due = await this.#options.subscriptions.nextDue(this.#pairs())
    return [...due.values()].some((dueInMs) => dueInMs <= 0)
  }

  /** Claims the sessions that this process has just committed at once. Otherwise first checks if anything is due. */
  async #round(heard: boolean): Promise<number | null> {
    const { subscriptions, subscribers } = this.#options
    if (performance.now() - this.#registeredAt > registerMs) await this.#register()
    const free = subscribers.filter((subscriber) => this.#free(subscriber) > 0)
    if (free.length === 0) return null
    if (heard) {
      await this.#claimAll(free)
      return null
    }
    const due = await subscriptions.nextDue(this.#pairs())
    await this.#claimAll(free.filter(({ name }) => (due.get(name) ?? 1) <= 0))
    return Math.min(...[...due.values()].filter((dueInMs) => dueInMs > 0), Number.MAX_SAFE_INTEGER)
  }

  async #claimAll(subscribers: readonly Subscriber[]): Promise<void> {
    const { subscriptions, agents } = this.#options
    for (const subscriber of subscribers) {
      const limit = this.#free(subscriber)
      if (limit === 0) continue
      const claim = { subscriber: subscriber.name, agents, limit, leaseMs: computeLeaseMs(subscriber) }
      const cursors = await subscriptions.claim(claim)
      for (const cursor of cursors)
        this.#follow(subscriber, followSession(subscriber, cursor, this.#follower()))
    }
  }

  #follower() {
    const { subscriptions, reads, logger } = this.#options
    return { subscriptions, reads, logger, stopping: this.#stop.signal }
  }

  #follow(subscriber: Subscriber, following: Promise<void>): void {
    const active = this.#active.get(subscriber) ?? new Set()
    this.#active.set(subscriber, active)
    const wasFull = () => active.size >= maxConcurrent
    const delivery = following
      .catch((error: unknown) => {
        const fields = { error, subscriber: subscriber.name }
        this.#options.logger.warn(
          fields,
          "The cursor of a subscriber could not be moved. Events are repeated.",
        )
      })
      .finally(() => {
        // More cursors may be due than there was room for.
        if (wasFull()) this.#loop.wake()
        active.delete(delivery)
      })
    active.add(delivery)
  }

  #free(subscriber: Subscriber): number {
    return maxConcurrent - (this.#active.get(subscriber)?.size ?? 0)
  }

  async #register(): Promise<void> {
    const forgotten = await this.#options.subscriptions.register(this.#pairs())
    this.#registeredAt = performance.now()
    for (const { subscriber, agent, since } of forgotten) {
      this.#options.logger.warn(
        { subscriber, agent, since: new Date(since).toISOString() },
        "A subscriber was away for so long that it was forgotten. It misses events since then.",
      )
    }
  }

  #pairs() {
    const { subscribers, agents } = this.#options
    return subscribers.flatMap(({ name }) => agents.map((agent) => ({ subscriber: name, agent })))
  }
}
