import { DatabaseSync } from "node:sqlite"
import { readData, serveRequests } from "../../../../platform/workers/serve-requests.ts"

export interface CheckpointData {
  readonly file: string
  readonly hold: Int32Array
}

/** The reply to `emptyLog` is true if the log is empty. */
export type CheckpointRequest = "emptyLog" | "close"

const everyMs = 500
/**
 * Pages of log after which the log is restarted even during heavy writing. Writers must wait meanwhile, so the restart
 * happens when few writes followed the last copy. After `longestLog` pages it happens in any case, so that the log
 * cannot grow faster than the thread copies it.
 */
const longLog = 2_000
const longestLog = 10_000
/** Number of pages that are copied in a few milliseconds. */
const shortRest = 100
/** Maximum number of consecutive copies, so that the thread does not keep a core busy during heavy writing. */
const maxTries = 5
/** Milliseconds before the thread tries again to restart the log. */
const betweenTriesMs = 2

/**
 * The program of a thread that copies the write-ahead log into the database file.
 *
 * The first write after a complete copy restarts the log at its beginning, and waits for the disk again. The thread
 * therefore makes such a write, which changes nothing. The last copy and this write need the database's only write
 * lock, for as long as the disk and the scheduler take. The thread sets the hold meanwhile, so that the writers of
 * this process wait for it and never fail because of it. Other processes retry.
 */
const { file, hold } = readData<CheckpointData>()
const database = new DatabaseSync(file)
database.exec("PRAGMA synchronous = NORMAL")
const copyUnused = database.prepare("PRAGMA wal_checkpoint(PASSIVE)")
const copyAll = database.prepare("PRAGMA wal_checkpoint(RESTART)")
const copyAndEmpty = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)")
const version = database.prepare("PRAGMA user_version")
const sleeper = new Int32Array(new SharedArrayBuffer(4))

const timer = setInterval(copy, everyMs)
serveRequests((request: CheckpointRequest, enter): boolean => {
  enter("working")
  if (request === "emptyLog") return emptyLog()
  clearInterval(timer)
  database.close()
  return true
})

function holdWriters(work: () => void): void {
  Atomics.store(hold, 0, 1)
  try {
    work()
  } finally {
    Atomics.store(hold, 0, 0)
  }
}

function copyRest(): void {
  for (let tries = 0; tries < maxTries; tries++) {
    // A transaction that began before the hold, or another process, may still write.
    if (copyAll.get()?.busy === 0 && writeNothing()) return
    Atomics.wait(sleeper, 0, 0, betweenTriesMs)
  }
}

function writeNothing(): boolean {
  try {
    database.exec("BEGIN IMMEDIATE")
    database.exec(`PRAGMA user_version = ${version.get()?.user_version}`)
    database.exec("COMMIT")
    return true
  } catch {
    // Another writer came first, or the disk fails: that the event loop meets too, which reports it.
    if (database.isTransaction) database.exec("ROLLBACK")
    return false
  }
}

/** Copies what was written since the last time, and restarts a long log. */
function copy(): void {
  let { log, checkpointed } = copySome()
  // This thread wrote the only page itself.
  if (log <= 1) return
  if (log <= longLog) {
    if (checkpointed === log) holdWriters(writeNothing)
    return
  }
  for (let tries = 0; tries < maxTries; tries++) {
    const before = log
    log = copySome().log
    // Another process restarted it.
    if (log < before) return
    if (log - before <= shortRest || log > longestLog) {
      holdWriters(copyRest)
      return
    }
  }
}

function emptyLog(): boolean {
  let isEmpty = false
  for (let tries = 0; tries < maxTries && !isEmpty; tries++) {
    if (tries > 0) Atomics.wait(sleeper, 0, 0, betweenTriesMs)
    // Without the writers, the last copy is short.
    copyUnused.get()
    holdWriters(() => {
      isEmpty = copyAndEmpty.get()?.busy === 0
    })
  }
  return isEmpty
}

/** Returns the number of pages in the log, and that of those among them that are copied. */
function copySome(): { readonly log: number; readonly checkpointed: number } {
  return copyUnused.get() as unknown as ReturnType<typeof copySome>
}
