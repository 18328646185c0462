import { StoreUnavailableError, toError, UndeliverableError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { DeliveryFacts, ItemFacts, Observer } from "../../../core/ports/observer.ts"
import {
  type ClaimedItem,
  commandKind,
  type Outbox,
  type OutboxHandler,
  type OutboxHandlers,
} from "../../../core/ports/store/outbox.ts"
import { type Traces, toDeliveryId } from "../../../core/ports/traces.ts"
import { removeSecrets } from "../../../core/text/remove-secrets.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { computeBackoff } from "../../../platform/backoff/backoff.ts"
import { DueLoop } from "../due-loop.ts"
import { deliverCommands } from "./deliver-commands.ts"

/** Maximum number of attempts for one row. With the pauses between them, they take six to eight hours. */
const maxAttempts = 20
const backoff = { firstMs: 1_000, maxMs: 3_600_000 }
/** Maximum number of concurrent deliveries of one kind in a process. */
const maxConcurrent = 8
/** Maximum bytes of payloads in one claim. If the claimed rows exceed it, the claim takes no further row. */
const maxClaimBytes = 1_000_000
const defaultTimeoutMs = 30_000
/** Milliseconds from a handler's timeout to the end of its claim. */
const leaseMarginMs = 10_000
/** Maximum attempts to delete a delivered row. If it is not deleted, it is delivered again. */
const completeAttempts = 3
const completePauseMs = 1_000
/** Milliseconds before a stopping process checks again for rows that others claim. */
const stopPauseMs = 20

export interface DispatcherOptions {
  readonly outbox: Outbox
  /** The handlers, by the kind of item that they deliver. */
  readonly handlers: OutboxHandlers
  /** Called with the session that a command was delivered to. */
  readonly onCommand: (sessionId: string) => void
  readonly observers: Partial<Observer>
  readonly traces: Traces
  readonly logger: Logger
}

/** Delivers outbox items: this process's share, of the kinds for which it has handlers. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #loop: DueLoop
  readonly #stop = new AbortController()
  /** Deliveries in progress, by kind. */
  readonly #active = new Map<string, Set<Promise<void>>>()

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#loop = new DueLoop({
      job: "outbox",
      arrivals: (waiting) => options.outbox.arrivals(waiting),
      round: () => this.#round(),
      lingerMs: 0,
      logger: options.logger,
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Delivers due items until `deadline` aborts, then releases the rest. Resolves when no handler is running. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#loop.stop()
    const abort = () => this.#stop.abort(new Error("The process stops."))
    deadline.addEventListener("abort", abort, { once: true })
    if (deadline.aborted) abort()
    try {
      while (!this.#stop.signal.aborted && (await this.#hasMore()));
    } catch (error) {
      this.#options.logger.warn({ error }, "The outbox could not be emptied. The rest is delivered later.")
    }
    await Promise.all([...this.#active.values()].flatMap((active) => [...active]))
    deadline.removeEventListener("abort", abort)
  }

  /** Starts due deliveries, and waits for the first one to end. Resolves to true if there may be more. */
  async #hasMore(): Promise<boolean> {
    const dueInMs = await this.#round()
    const active = [...this.#active.values()].flatMap((deliveries) => [...deliveries])
    if (active.length === 0) await sleep(stopPauseMs, this.#stop.signal)
    else await Promise.race([...active, sleep(completePauseMs, this.#stop.signal)])
    return active.length > 0 || (dueInMs !== null && dueInMs <= 0)
  }

  /**
   * Starts due deliveries. Resolves to the milliseconds until further items are due that this process has room for.
   */
  async #round(): Promise<number | null> {
    const { outbox, handlers, onCommand, logger } = this.#options
    const kinds = [...handlers.keys()].filter((kind) => this.#free(kind) > 0)
    let next: number | null = null
    for (const [kind, dueInMs] of await outbox.nextDue([commandKind, ...kinds])) {
      const handler = handlers.get(kind)
      if (dueInMs > 0) next = Math.min(next ?? dueInMs, dueInMs)
      else if (kind === commandKind) {
        await deliverCommands(outbox, { onCommand, logger })
        next = 0
      } else if (handler !== undefined) {
        await this.#start(kind, handler)
        if (this.#free(kind) > 0) next = 0
      }
    }
    return next
  }

  #free(kind: string): number {
    return maxConcurrent - (this.#active.get(kind)?.size ?? 0)
  }

  async #start(kind: string, handler: OutboxHandler): Promise<void> {
    const leaseMs = (handler.timeoutMs ?? defaultTimeoutMs) + leaseMarginMs
    const claim = { kind, limit: this.#free(kind), maxBytes: maxClaimBytes, leaseMs }
    const active = this.#active.get(kind) ?? new Set()
    this.#active.set(kind, active)
    for (const item of await this.#options.outbox.claim(claim)) {
      const delivery = this.#deliver(item, handler)
        .catch((error: unknown) => {
          this.#options.logger.warn(
            { error, ...selectFields(item) },
            "The outcome of a delivery could not be stored. The item is delivered again.",
          )
        })
        .finally(() => {
          active.delete(delivery)
          this.#loop.wake()
        })
      active.add(delivery)
    }
  }

  async #deliver(item: ClaimedItem, handler: OutboxHandler): Promise<void> {
    const startedAt = performance.now()
    // Each earlier attempt ended with its process.
    if (item.attempt > maxAttempts)
      return this.#failed(item, new Error("The process ended during the last attempt."), startedAt)
    const { id, kind, sessionId, payload, attempt, interrupted } = item
    const { observers, traces } = this.#options
    let stored: string | null
    try {
      stored = handler.traceparentOf?.(payload) ?? null
    } catch (thrown) {
      return this.#failed(item, toError(thrown), startedAt)
    }
    const facts: DeliveryFacts = { id, kind, sessionId, attempt, traceparent: stored }
    observers.onDeliveryStarted?.(facts)
    const traceparent = traces.traceparentOf(toDeliveryId(item)) ?? stored
    const bounds = {
      name: `The outbox handler ${kind}`,
      timeoutMs: handler.timeoutMs ?? defaultTimeoutMs,
      signal: this.#stop.signal,
    }
    let begun = false
    try {
      await callBounded(async (signal) => {
        begun = true
        await handler.deliver({ id, kind, sessionId, payload, attempt, interrupted }, { signal, traceparent })
      }, bounds)
    } catch (thrown) {
      if (this.#stop.signal.aborted) {
        observers.onDeliveryEnded?.({ ...facts, outcome: "left", error: null })
        return this.#options.outbox.release(item, { begun })
      }
      const error = toError(thrown)
      observers.onDeliveryEnded?.({ ...facts, outcome: "failed", error: removeSecrets(error.message) })
      return this.#failed(item, error, startedAt)
    }
    observers.onDeliveryEnded?.({ ...facts, outcome: "delivered", error: null })
    observers.onItemDelivered?.(measureItem(item, startedAt))
    await this.#complete(item)
  }

  async #failed(item: ClaimedItem, error: Error, startedAt: number): Promise<void> {
    const { outbox, observers, logger } = this.#options
    const isLast = item.attempt >= maxAttempts || error instanceof UndeliverableError
    const retryInMs = isLast ? null : computeBackoff(item.attempt - 1, backoff)
    const fields = { error, ...selectFields(item), attempt: item.attempt, retryInMs }
    if (isLast)
      logger.error(
        fields,
        "An outbox item could not be delivered and is dead. See `agent-gateway outbox list`, then retry or drop it.",
      )
    else logger.warn(fields, "An outbox item could not be delivered. It is tried again.")
    const message = removeSecrets(error.message)
    if (isLast) observers.onItemDead?.({ ...measureItem(item, startedAt), error: message })
    await outbox.fail(item, { error: message, retryInMs })
  }

  async #complete(item: ClaimedItem): Promise<void> {
    const { outbox, logger } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (await outbox.complete(item)) return
        logger.warn(
          selectFields(item),
          "An outbox item was delivered after its claim had ended. Another process may have delivered it as well.",
        )
        return
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || attempt === completeAttempts) throw error
        await sleep(completePauseMs, this.#stop.signal)
      }
    }
  }
}

function measureItem({ id, kind, sessionId, attempt }: ClaimedItem, startedAt: number): ItemFacts {
  return { id, kind, sessionId, attempt, durationMs: performance.now() - startedAt }
}

function selectFields({ id, kind, sessionId }: ClaimedItem): object {
  return { item: id, kind, sessionId }
}
