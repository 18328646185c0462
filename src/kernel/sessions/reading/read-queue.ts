import { GatewayError } from "../../../core/errors.ts"
import { createPacer, type Pacer } from "../../../core/fairness/pacer.ts"
import { createTurnQueue } from "../../../core/fairness/turn-queue.ts"
import { estimateJsonSize } from "../../../core/json/json-size.ts"
import type { Entry } from "../../../core/log/entries.ts"
import type { ReadOptions } from "../../../core/ports/store/read-options.ts"
import type { Principal, SessionLog } from "../../../core/ports/store/session-log.ts"

/** Size of one page of a log. A page is small, because each reader holds one in memory. */
export const page = { limit: 100, maxCharacters: 100_000 }

export interface ReadQueueOptions {
  /** Maximum number of concurrent reads. Default 4, because commits need the store's connections as well. */
  readonly maxConcurrent?: number
  /** Milliseconds of one turn of the event loop after which reads wait for the next turn. Default 4. */
  readonly turnMs?: number
  /** Maximum number of waiting reads. Further readers are refused. Default 10 000. */
  readonly maxWaiting?: number
  /** Returns monotonic milliseconds. For tests. */
  readonly now?: () => number
  /** Paces the readers of one principal. Default: a fifth of the event loop, after 50 ms of work. */
  readonly pacer?: Pacer
}

/**
 * Reading, folding and rendering take the event loop about a millisecond for each 100 000 characters and for each 100
 * entries. A page that costs less than a tenth of a millisecond is free.
 */
const charactersPerMs = 100_000
const entriesPerMs = 100
const leastCostMs = 0.1

export interface Reader {
  /** The principal of the reader. Tenants take turns, and so do the principals of a tenant. */
  readonly principal: Principal
  readonly signal: AbortSignal
  /**
   * If true, the read waits even if the queue is full, because an accepted run must not be refused. Default false.
   */
  readonly isRun?: boolean
}

interface Waiting {
  readonly start: () => void
}

/**
 * Reads pages of logs for all readers of the process: replays of viewers, histories, and starting runs. However many
 * readers there are, the event loop handles everything else after a few milliseconds of reads. Readers take turns by
 * their tenant, and then by their principal, so that no new run waits behind hundreds of others' replays.
 */
export class ReadQueue {
  readonly #log: SessionLog
  readonly #options: Required<ReadQueueOptions>
  /** Not limited by itself, because the reads of runs are not. */
  readonly #waiting = createTurnQueue<Waiting>(Number.MAX_SAFE_INTEGER)
  #waitingCount = 0
  #reading = 0
  /** Time at which the first read of this turn of the event loop started. */
  #turnBegan: number | null = null
  #immediate: NodeJS.Immediate | null = null
  /** Set while all waiting readers must pause. */
  #timer: NodeJS.Timeout | null = null

  constructor(
    log: SessionLog,
    {
      maxConcurrent = 4,
      turnMs = 4,
      maxWaiting = 10_000,
      now = () => performance.now(),
      pacer = createPacer({ share: 0.2, burstMs: 50, now }),
    }: ReadQueueOptions = {},
  ) {
    this.#log = log
    this.#options = { maxConcurrent, turnMs, maxWaiting, now, pacer }
  }

  /**
   * Returns the next entries, as `SessionLog.read` does. Returns null when the signal aborts. Rejects with
   * `server_busy` if too many readers wait.
   */
  read(reader: Reader, sessionId: string, options: ReadOptions): Promise<readonly Entry[] | null> {
    return this.#read(reader, () => this.#log.read(sessionId, options), estimateCost)
  }

  /** Waits for its turn like `read`, and resolves to the bytes. Resolves to null once the signal aborts. */
  readBytes(
    reader: Reader,
    read: () => Promise<readonly Uint8Array[]>,
  ): Promise<readonly Uint8Array[] | null> {
    return this.#read(reader, read, estimateCostOfBytes)
  }

  async #read<Result>(
    reader: Reader,
    read: () => Promise<Result>,
    costOfResult: (result: Result) => number,
  ): Promise<Result | null> {
    if (!(await this.#admitted(reader))) return null
    try {
      const result = await read()
      const costMs = costOfResult(result)
      if (costMs >= leastCostMs) this.#options.pacer.charge(reader.principal, costMs)
      return result
    } finally {
      this.#reading -= 1
      this.#startWaiting()
    }
  }

  /** Resolves to true if the read may start now. The read then counts as started. */
  #admitted({ principal, signal, isRun = false }: Reader): boolean | Promise<boolean> {
    if (signal.aborted) return false
    if (this.#hasRoom() && this.#options.pacer.waitMs(principal) === 0) {
      this.#startOne()
      return true
    }
    if (!isRun && this.#waitingCount >= this.#options.maxWaiting) throw createBusyError()
    return new Promise((resolve) => {
      const leave = () => {
        this.#waiting.remove(principal, waiting)
        this.#waitingCount -= 1
        resolve(false)
      }
      const waiting = {
        start: () => {
          signal.removeEventListener("abort", leave)
          resolve(true)
        },
      }
      signal.addEventListener("abort", leave, { once: true })
      this.#waiting.add(principal, waiting)
      this.#waitingCount += 1
      this.#startWaiting()
    })
  }

  #hasRoom(): boolean {
    const { maxConcurrent, turnMs, now } = this.#options
    const hasTime = this.#turnBegan === null || now() - this.#turnBegan < turnMs
    return hasTime && this.#reading < maxConcurrent
  }

  #startOne(): void {
    this.#reading += 1
    this.#turnBegan ??= this.#options.now()
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null
      this.#turnBegan = null
      this.#startWaiting()
    })
  }

  /** Starts the reads that this turn has room for. The others start in later turns. */
  #startWaiting(): void {
    clearTimeout(this.#timer ?? undefined)
    this.#timer = null
    while (this.#waitingCount > 0 && this.#hasRoom()) {
      let pauseMs = Number.POSITIVE_INFINITY
      const next = this.#waiting.take((principal) => {
        const waitMs = this.#options.pacer.waitMs(principal)
        pauseMs = Math.min(pauseMs, waitMs)
        return waitMs === 0
      })
      if (next === null) {
        this.#timer = setTimeout(() => this.#startWaiting(), pauseMs)
        return
      }
      this.#waitingCount -= 1
      this.#startOne()
      next.start()
    }
  }
}

function estimateCost(entries: readonly Entry[]): number {
  return entries.length / entriesPerMs + estimateCharacters(entries) / charactersPerMs
}

/** Returns about the number of characters in the entries' texts. */
export function estimateCharacters(entries: readonly Entry[]): number {
  let characters = 0
  for (const entry of entries) {
    characters += entry.kind === "delta" ? entry.delta.text.length : estimateJsonSize(entry.event)
  }
  return characters
}

function estimateCostOfBytes(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0) / charactersPerMs
}

function createBusyError(): GatewayError {
  return new GatewayError(
    { code: "server_busy", status: 503, retryable: true },
    "Too many sessions are being read at once, so this one was not read. Try again after the " +
      "delay in the retry-after header.",
  )
}
