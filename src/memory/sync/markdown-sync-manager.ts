import { join } from "node:path"
import { GatewayError, toError } from "../../core/errors.ts"
import { sleep } from "../../core/time/sleep.ts"
import { type FileLock, tryLock } from "../../locks/file-lock.ts"
import type { Memories } from "../memories.ts"
import { openFolder } from "./folder.ts"
import type { SyncReport } from "./report.ts"
import { synchronize } from "./synchronize.ts"

export interface MarkdownSyncOptions {
  /** The memories of one user: what `gateway.memory.of()` returns. */
  readonly memories: Memories
  /** Folder of its own for these memories. It is made when it is missing. */
  readonly folder: string
}

export interface WatchOptions {
  /** Seconds between two synchronizations. Default 5. */
  readonly intervalSeconds?: number
  /** Called with each report that has anything in it. */
  readonly onReport?: (report: SyncReport) => void
  /** Called when a synchronization fails. It is repeated after the interval. */
  readonly onError?: (error: Error) => void
  /** Ends the watch. */
  readonly signal?: AbortSignal
}

const lockFile = ".gateway-memory.lock"
/** Milliseconds that a synchronization waits for another one of the same folder. */
const longestWaitMs = 10_000
const defaultIntervalSeconds = 5

/**
 * Keeps memories and a folder of Markdown files the same. A change on one side is brought to the other; if both sides
 * changed, both are kept and the report says so.
 */
export class MarkdownSyncManager {
  readonly #options: MarkdownSyncOptions
  #stopping = new AbortController()

  constructor(options: MarkdownSyncOptions) {
    this.#options = options
  }

  /**
   * Synchronizes once. Processes that share the folder take turns. Rejects with `sync_locked` if another one takes
   * longer than ten seconds.
   */
  async sync({
    signal = new AbortController().signal,
  }: {
    readonly signal?: AbortSignal
  } = {}): Promise<SyncReport> {
    signal.throwIfAborted()
    const root = await openFolder(this.#options.folder)
    const lock = await takeLock(join(root, lockFile), signal)
    try {
      return await synchronize({ memories: this.#options.memories, root, signal })
    } finally {
      lock.release()
    }
  }

  /** Synchronizes at once and then at the interval. Resolves when `stop` is called or the signal is aborted. */
  async watch({
    intervalSeconds = defaultIntervalSeconds,
    onReport,
    onError,
    signal,
  }: WatchOptions = {}): Promise<void> {
    this.#stopping = new AbortController()
    const ends = AbortSignal.any([this.#stopping.signal, ...(signal === undefined ? [] : [signal])])
    while (!ends.aborted) {
      try {
        const report = await this.sync({ signal: ends })
        if (Object.values(report).some((part) => part.length > 0)) onReport?.(report)
      } catch (error) {
        if (ends.aborted) return
        onError?.(toError(error))
      }
      await sleep(intervalSeconds * 1_000, ends)
    }
  }

  /** Ends the watch after the memory that is being synchronized. */
  stop(): void {
    this.#stopping.abort(new Error("The synchronization was stopped."))
  }
}

async function takeLock(file: string, signal: AbortSignal): Promise<FileLock> {
  const ends = performance.now() + longestWaitMs
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted()
    const lock = tryLock(file)
    if (lock !== null) return lock
    if (performance.now() > ends) {
      throw new GatewayError(
        { code: "sync_locked", status: 503, retryable: true },
        "Another process synchronizes the folder of memories. Try again.",
      )
    }
    await sleep(Math.min(2 ** tries, 50) * (0.5 + Math.random()), signal)
  }
}
