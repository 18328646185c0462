import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { StoreUnavailableError } from "../../../../core/errors.ts"
import type { Logger } from "../../../../core/ports/logger.ts"
import { createSerialQueue } from "../../../../core/time/serial-queue.ts"
import { computeBackoff } from "../../../../platform/backoff/backoff.ts"
import { busyBackoff, busyForMs } from "./busy-retry.ts"
import type { Database } from "./database.ts"

/**
 * Copies the write-ahead log into the database file, in a separate thread. The copy waits for the disk, which would
 * block every stream on the event loop (rule 15). The script is source text, so that it works however this package is
 * built or bundled.
 *
 * The first write after a complete copy restarts the log at its beginning, and waits for the disk again. The thread
 * therefore makes such a write, which changes nothing. The last copy and this write need the database's only write
 * lock, for as long as the disk and the scheduler take. The thread sets the hold meanwhile, so that the writers of
 * this process wait for it and never fail because of it. Other processes retry.
 */
const script = `
  const { DatabaseSync } = require("node:sqlite")
  const { parentPort, workerData } = require("node:worker_threads")
  const { file, hold, everyMs, longLog, shortRest, longestLog, maxTries, betweenTriesMs } = workerData
  const database = new DatabaseSync(file)
  database.exec("PRAGMA synchronous = NORMAL")
  const copy = database.prepare("PRAGMA wal_checkpoint(PASSIVE)")
  const copyAll = database.prepare("PRAGMA wal_checkpoint(RESTART)")
  const copyAndEmpty = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)")
  const version = database.prepare("PRAGMA user_version")
  const sleeper = new Int32Array(new SharedArrayBuffer(4))

  function holdWriters(work) {
    Atomics.store(hold, 0, 1)
    try {
      work()
    } finally {
      Atomics.store(hold, 0, 0)
    }
  }

  function copyRest() {
    for (let tries = 0; tries < maxTries; tries++) {
      // A transaction that began before the hold, or another process, may still write.
      if (copyAll.get().busy === 0 && writeNothing()) return
      Atomics.wait(sleeper, 0, 0, betweenTriesMs)
    }
  }

  function writeNothing() {
    try {
      database.exec("BEGIN IMMEDIATE")
      database.exec("PRAGMA user_version = " + version.get().user_version)
      database.exec("COMMIT")
      return true
    } catch {
      // Another writer came first, or the disk fails: that the event loop meets too, which reports it.
      if (database.isTransaction) database.exec("ROLLBACK")
      return false
    }
  }

  const timer = setInterval(() => {
    let { log, checkpointed } = copy.get()
    // What this thread wrote itself.
    if (log <= 1) return
    if (log <= longLog) {
      if (checkpointed === log) holdWriters(writeNothing)
      return
    }
    for (let tries = 0; tries < maxTries; tries++) {
      const before = log
      log = copy.get().log
      // Another process restarted it.
      if (log < before) return
      if (log - before <= shortRest || log > longestLog) {
        holdWriters(copyRest)
        return
      }
    }
  }, everyMs)

  function emptyLog() {
    let isEmpty = false
    for (let tries = 0; tries < maxTries && !isEmpty; tries++) {
      if (tries > 0) Atomics.wait(sleeper, 0, 0, betweenTriesMs)
      // Without the writers, the last copy is short.
      copy.get()
      holdWriters(() => { isEmpty = copyAndEmpty.get().busy === 0 })
    }
    return isEmpty
  }

  parentPort.on("message", (request) => {
    if (request === "emptyLog") {
      parentPort.postMessage(emptyLog())
      return
    }
    clearInterval(timer)
    database.close()
    parentPort.close()
  })`

/** Milliseconds before the thread starts. A store that is only open for a moment needs no thread. */
const startAfterMs = 1_000
/** Settings of the thread. */
const settings = {
  everyMs: 500,
  /**
   * Pages of log after which the log is restarted even during heavy writing. Writers must wait meanwhile, so the
   * restart happens when few writes followed the last copy. After `longestLog` pages it happens in any case, so that
   * the log cannot grow faster than the thread copies it.
   */
  longLog: 2_000,
  longestLog: 10_000,
  /** Number of pages that are copied in a few milliseconds. */
  shortRest: 100,
  /** Maximum number of consecutive copies, so that the thread does not keep a core busy during heavy writing. */
  maxTries: 5,
  /** Milliseconds before the thread tries again to restart the log. */
  betweenTriesMs: 2,
}
/**
 * Pages of log after which SQLite makes a checkpoint on the event loop, where it would block every stream. With the
 * thread, it never does.
 */
const boundWithThread = 0
const boundWithout = 1_000

interface Thread {
  readonly worker: Worker
  /** Settles when the thread has ended. */
  readonly ended: Promise<readonly unknown[]>
}

export interface Checkpointer {
  /**
   * Copies the whole log into the database file and empties it, because it has earlier copies of deleted texts. Rejects
   * with a `StoreUnavailableError` if another process reads or writes for too long.
   */
  emptyLog(): Promise<void>
  stop(): Promise<void>
}

export function startCheckpointer(database: Database, file: string, logger: Logger): Checkpointer {
  const stopping = new AbortController()
  const inTurn = createSerialQueue()
  let thread: Thread | null = null

  async function run(): Promise<void> {
    await delay(startAfterMs, undefined, { signal: stopping.signal, ref: false })
    const worker = new Worker(script, {
      eval: true,
      // Otherwise Node 22 prints the warning about its SQLite module again.
      execArgv: ["--disable-warning=ExperimentalWarning"],
      workerData: { file, hold: database.hold.memory, ...settings },
    })
    worker.unref()
    const ended = once(worker, "exit")
    stopping.signal.addEventListener("abort", () => {
      worker.ref()
      worker.postMessage("stop")
    })
    try {
      await bound(boundWithThread)
      thread = { worker, ended }
      await ended
    } finally {
      thread = null
      database.hold.clear()
    }
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
    const { worker, ended } = thread
    // A command has nothing else that keeps its process alive.
    worker.ref()
    try {
      const replied = once(worker, "message").then(([isEmpty]) => isEmpty === true)
      worker.postMessage("emptyLog")
      // The thread may end before it replies. `run` reports why.
      return await Promise.race([replied, ended.then(() => false)]).catch(() => false)
    } finally {
      if (!stopping.signal.aborted) worker.unref()
    }
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
