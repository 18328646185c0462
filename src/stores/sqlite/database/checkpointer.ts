import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Database } from "./database.ts"

/**
 * Copies what is in the write-ahead log into the database file, which waits for the disk, in a thread of its own: on
 * the event loop it would hold up every stream (rule 15). As source text, so that it is found however this package is
 * built or bundled.
 *
 * Whoever writes first after all of the log was copied begins the log at its start again, and waits for the disk once
 * more. So the thread writes then, and changes nothing. Writers that find the database locked meanwhile retry from
 * the event loop.
 */
const script = `
  const { DatabaseSync } = require("node:sqlite")
  const { parentPort, workerData } = require("node:worker_threads")
  const { file, everyMs, longLog, shortRest, longestLog, maxTries } = workerData
  const database = new DatabaseSync(file)
  database.exec("PRAGMA synchronous = NORMAL")
  const copy = database.prepare("PRAGMA wal_checkpoint(PASSIVE)")
  const copyAll = database.prepare("PRAGMA wal_checkpoint(RESTART)")
  const version = database.prepare("PRAGMA user_version")

  function writeNothing() {
    try {
      database.exec("BEGIN IMMEDIATE")
      database.exec("PRAGMA user_version = " + version.get().user_version)
      database.exec("COMMIT")
    } catch {
      // Another writer came first, or the disk fails: that the event loop meets too, which reports it.
      if (database.isTransaction) database.exec("ROLLBACK")
    }
  }

  const timer = setInterval(() => {
    let { log } = copy.get()
    // What this thread wrote itself.
    if (log <= 1) return
    for (let tries = 0; log > longLog && tries < maxTries; tries++) {
      const before = log
      log = copy.get().log
      if (log < before) break
      if (log - before > shortRest && log <= longestLog) continue
      copyAll.get()
      break
    }
    writeNothing()
  }, everyMs)
  parentPort.once("message", () => {
    clearInterval(timer)
    database.close()
  })`

const everyMs = 500
/**
 * Pages of log past which it is begun at its start again although much is being written. Writers have to wait
 * meanwhile, so it is done when little was written since the last copy. Past `longestLog` it is done in any case.
 */
const longLog = 2_000
const longestLog = 10_000
/** Pages that are copied in a few milliseconds. */
const shortRest = 100
/** Copies in a row, so that the thread does not keep a core busy while much is written. */
const maxTries = 5
/** A store that is only opened for a moment needs no thread. */
const startAfterMs = 1_000
/** Pages of log after which SQLite checkpoints on the event loop after all: a bound, not meant to be met. */
const boundWithThread = 25_000
const boundWithout = 1_000

export interface Checkpointer {
  stop(): Promise<void>
}

export function startCheckpointer(database: Database, file: string, logger: Logger): Checkpointer {
  const stopping = new AbortController()

  async function run(): Promise<void> {
    await delay(startAfterMs, undefined, { signal: stopping.signal, ref: false })
    const worker = new Worker(script, {
      eval: true,
      // Otherwise Node 22 warns of its own SQLite once more.
      execArgv: ["--disable-warning=ExperimentalWarning"],
      workerData: { file, everyMs, longLog, shortRest, longestLog, maxTries },
    })
    worker.unref()
    const ended = once(worker, "exit")
    stopping.signal.addEventListener("abort", () => {
      worker.ref()
      worker.postMessage("stop")
    })
    await bound(boundWithThread)
    await ended
  }

  async function bound(pages: number): Promise<void> {
    await database.read(() => database.get(`PRAGMA wal_autocheckpoint = ${pages}`))
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
    async stop() {
      stopping.abort()
      await running
    },
  }
}
