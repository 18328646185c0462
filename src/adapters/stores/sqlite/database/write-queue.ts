import { computeBackoff } from "../../../../platform/backoff/backoff.ts"
import { busyBackoff, busyForMs } from "./busy-retry.ts"
import { isBusy, toStoreError } from "./failures.ts"

/**
 * Maximum writes of one transaction, and the milliseconds after which it accepts no further one, so that it does not
 * block the event loop for long (rule 15).
 */
const maxGroup = 100
const maxGroupMs = 5

/** The part of a connection that the queue needs. */
export interface Transactions {
  execute(sql: string): void
  isOpen(): boolean
  /** Returns true while a thread of this process needs the database for itself. No transaction starts then. */
  isHeld(): boolean
  /** Returns monotonic milliseconds. Default: `performance.now`. */
  now?(): number
}

export interface WriteOptions {
  /** If true, the write stores megabytes, and shares its transaction with no other. Default false. */
  readonly isLarge?: boolean
}

interface Write {
  readonly isLarge: boolean
  /** The value of `waitedMs` at which the write fails. */
  readonly failsAt: number
  /**
   * Does the work. Returns a function that settles the caller, for use after the commit. Throws the error of the
   * work.
   */
  attempt(): () => void
  fail(error: unknown): void
}

/**
 * Groups writes that are requested in the same turn of the event loop into one transaction. A run makes several small
 * writes, and starting and committing a transaction costs more than most of them. If one write fails, nothing of the
 * transaction is stored, and its writes are retried one by one. Failures are rare, and a savepoint for each write
 * would make SQLite copy every page that it changes.
 *
 * Callers see no difference: a write happens completely or not at all, fails alone, and happens in the order of the
 * calls. A write may be attempted more than once.
 */
export function createWriteQueue(
  transactions: Transactions,
): <T>(work: () => T, options?: WriteOptions) => Promise<T> {
  /** Waiting writes. While there are any, a run of the queue is scheduled. */
  const waiting: Write[] = []
  /** Number of writes at the head that failed together and are retried one by one. */
  let alone = 0
  let tries = 0
  /** Milliseconds for which writes have waited for other processes since the queue was created. */
  let waitedMs = 0
  const now = () => transactions.now?.() ?? performance.now()

  return <T>(work: () => T, { isLarge = false }: WriteOptions = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    waiting.push({
      isLarge,
      failsAt: waitedMs + busyForMs,
      attempt() {
        const result = work()
        return () => resolve(result)
      },
      fail: (error) => reject(toStoreError(error)),
    })
    if (waiting.length === 1) setImmediate(storeWaiting)
    return promise
  }

  function storeWaiting(): void {
    if (transactions.isHeld()) {
      setTimeout(storeWaiting, computeBackoff(tries++, busyBackoff))
      return
    }
    const group = alone > 0 ? waiting.slice(0, 1) : takeNextGroup()
    try {
      const tellers = store(group)
      leave(tellers.length)
      for (const tell of tellers) tell()
    } catch (error) {
      if (isBusy(error)) {
        waitForOthers(error)
        return
      }
      if (group.length > 1) alone = group.length
      else leave(1)[0]?.fail(error)
    }
    tries = 0
    if (waiting.length > 0) setImmediate(storeWaiting)
  }

  function takeNextGroup(): readonly Write[] {
    const firstLarge = waiting.findIndex(({ isLarge }) => isLarge)
    const end = firstLarge === -1 ? maxGroup : Math.max(1, firstLarge)
    return waiting.slice(0, Math.min(end, maxGroup))
  }

  /** Postpones the writes. They keep their places, so that no later write overtakes them. */
  function waitForOthers(error: unknown): void {
    const first = waiting.findIndex(({ failsAt }) => failsAt >= waitedMs)
    for (const write of leave(first === -1 ? waiting.length : first)) write.fail(error)
    if (waiting.length === 0) {
      tries = 0
      return
    }
    const pause = computeBackoff(tries++, busyBackoff)
    waitedMs += pause
    setTimeout(storeWaiting, pause)
  }

  function leave(count: number): readonly Write[] {
    alone = Math.max(0, alone - count)
    return waiting.splice(0, count)
  }

  /**
   * Stores at least the first write of the group, and the next ones while there is time. Throws if nothing is stored.
   * Otherwise returns, for each stored write, the function that settles its caller.
   */
  function store(group: readonly Write[]): readonly (() => void)[] {
    const end = now() + maxGroupMs
    transactions.execute("BEGIN IMMEDIATE")
    try {
      const tellers: (() => void)[] = []
      for (const write of group) {
        if (tellers.length > 0 && now() >= end) break
        tellers.push(write.attempt())
      }
      transactions.execute("COMMIT")
      return tellers
    } catch (error) {
      // SQLite has already rolled back after some failures, such as a full disk.
      if (transactions.isOpen()) transactions.execute("ROLLBACK")
      throw error
    }
  }
}
