import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import type { Logger } from "../../core/ports/logger.ts"
import type { Database } from "./database.ts"

/**
 * Copies what is in the write-ahead log into the database file, which waits for the disk, in a thread of its own:
 * on the event loop it would hold up every stream (rule 15). As source text, so that it is found however this
 * package is built or bundled.
 */
const script = `
  const { DatabaseSync } = require("node:sqlite")
  const { parentPort, workerData } = require("node:worker_threads")
  const database = new DatabaseSync(workerData.file)
  const copy = database.prepare("PRAGMA wal_checkpoint(PASSIVE)")
  const copyAndRewind = database.prepare("PRAGMA wal_checkpoint(RESTART)")
  const timer = setInterval(() => {
    if (copy.get().log > workerData.longLog) copyAndRewind.get()
  }, workerData.everyMs)
  parentPort.once("message", () => {
    clearInterval(timer)
    database.close()
  })`

const everyMs = 200
/** Pages of log past which it is started anew, for which writers have to wait: off the event loop, they retry. */
const longLog = 2_000
/** A store that is only opened for a moment needs no thread. */
const startAfterMs = 1_000
/** Pages of log after which SQLite checkpoints on the event loop after all: a bound, not meant to be met. */
const boundWithThread = 10_000
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
      workerData: { file, everyMs, longLog },
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
    logger.warn({ error }, "checkpoints of the database go on without a thread of their own")
    await bound(boundWithout)
  })
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
