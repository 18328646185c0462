import { setTimeout as delay } from "node:timers/promises"
import { StoreUnavailableError } from "../../../../core/errors.ts"
import type { Logger } from "../../../../core/ports/logger.ts"
import { longestTimerMs } from "../../../../core/time/longest-timer.ts"
import { createSerialQueue } from "../../../../core/time/serial-queue.ts"
import { computeBackoff } from "../../../../platform/backoff/backoff.ts"
import { startWorker, type Worker } from "../../../../platform/workers/worker.ts"
import { busyBackoff, busyForMs } from "./busy-retry.ts"
import type { CheckpointData, CheckpointRequest } from "./checkpoint-thread.ts"
import type { Database } from "./database.ts"

/** Milliseconds before the thread starts. A store that is only open for a moment needs no thread. */
const startAfterMs = 1_000
/**
 * Pages of log after which SQLite makes a checkpoint on the event loop, where it would block every stream. With the
 * thread, it never does.
 */
const boundWithThread = 0
const boundWithout = 1_000

export interface Checkpointer {
  /**
   * Copies the whole log into the database file and empties it, because it has earlier copies of deleted texts. Rejects
   * with a `StoreUnavailableError` if another process reads or writes for too long.
   */
  emptyLog(): Promise<void>
  stop(): Promise<void>
}

/**
 * Copies the write-ahead log into the database file, in a separate thread. The copy waits for the disk, which would
 * block every stream on the event loop (rule 15).
 */
export function startCheckpointer(database: Database, file: string, logger: Logger): Checkpointer {
  const stopping = new AbortController()
  const inTurn = createSerialQueue()
  const callInTurn = createSerialQueue()
  let thread: Worker<CheckpointRequest, boolean> | null = null

  async function run(): Promise<void> {
    await delay(startAfterMs, undefined, { signal: stopping.signal, ref: false })
    const data: CheckpointData = { file, hold: database.hold.memory }
    const worker = startWorker<CheckpointRequest, boolean>({
      program: "./checkpoint-thread",
      startedBy: import.meta.url,
      kind: "thread",
      startMs: longestTimerMs,
      phaseMs: {},
      data,
    })
    stopping.signal.addEventListener("abort", async () => {
      await ask(worker, "close")
      await worker.stop()
    })
    try {
      await bound(boundWithThread)
      thread = worker
      throw new Error(`The thread ${await worker.ended}.`)
    } finally {
      thread = null
      database.hold.clear()
    }
  }

  /** Resolves to false if the thread has ended. */
  function ask(worker: Worker<CheckpointRequest, boolean>, request: CheckpointRequest): Promise<boolean> {
    return callInTurn(async () => {
      if (!worker.isAlive()) return false
      const outcome = await worker.run(request)
      return outcome.type === "reply" && outcome.reply
    })
  }

  async function bound(pages: number): Promise<void> {
    await database.read(() => database.get(`PRAGMA wal_autocheckpoint = ${pages}`))
  }

  /** Resolves to false if another process uses the log at the moment. */
  async function tryToEmptyLog(): Promise<boolean> {
    if (thread === null) {
      const row = await database.read(() => database.get("PRAGMA wal_checkpoint(TRUNCATE)"))
      return row?.busy === 0
    }
    return ask(thread, "emptyLog")
  }

  async function emptyLog(): Promise<void> {
    let waitedMs = 0
    for (let tries = 0; !(await tryToEmptyLog()); tries++) {
      if (waitedMs > busyForMs)
        throw new StoreUnavailableError({ detail: "Other processes used the write-ahead log for too long." })
      const pause = computeBackoff(tries, busyBackoff)
      waitedMs += pause
      await delay(pause)
    }
  }

  const running = run().catch(async (error: unknown) => {
    if (stopping.signal.aborted) return
    logger.warn(
      { error },
      "The checkpoint thread of the database failed. Checkpoints continue on the main thread.",
    )
    await bound(boundWithout)
  })
  return {
    emptyLog: () => inTurn(emptyLog),
    async stop() {
      stopping.abort()
      await running
    },
  }
}
