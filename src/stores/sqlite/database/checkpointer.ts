import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Database } from "./database.ts"

/**
 * Copies the write-ahead log into the database file, in a separate thread. The copy waits for the disk, which would
 * block every stream on the event loop (rule 15). The script is source text, so that it works however this package is
 * built or bundled.
 *
 * The first write after a complete copy restarts the log at its beginning, and waits for the disk again. The thread
 * therefore makes such a write, which changes nothing. Writers that find the database locked meanwhile retry from the
 * event loop.
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
 * Pages of log after which the log is restarted even during heavy writing. Writers must wait meanwhile, so the
 * restart happens when few writes followed the last copy. After `longestLog` pages it happens in any case.
 */
const longLog = 2_000
const longestLog = 10_000
/** Number of pages that are copied in a few milliseconds. */
const shortRest = 100
/** Maximum number of consecutive copies, so that the thread does not keep a core busy during heavy writing. */
const maxTries = 5
/** Milliseconds before the thread starts. A store that is only open for a moment needs no thread. */
const startAfterMs = 1_000
/**
 * Pages of log after which SQLite makes a checkpoint on the event loop. This is a safety bound that is normally never
 * reached.
 */
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
      // Otherwise Node 22 prints the warning about its SQLite module again.
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
