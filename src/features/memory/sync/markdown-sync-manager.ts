import { join } from "node:path"
import { GatewayError, toError } from "../../../core/errors.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { takeLock } from "../../../platform/locks/file-lock.ts"
import type { Memories } from "../memories.ts"
import { openFolder } from "./folder.ts"
import type { SyncReport } from "./report.ts"
import { synchronize } from "./synchronize.ts"

export interface MarkdownSyncOptions {
  /** The memories of one user, from `gateway.memory.of()`. */
  readonly memories: Memories
  /** Folder for these memories alone. It is created if it is missing. */
  readonly folder: string
}

export interface WatchOptions {
  /** Seconds between two synchronizations. Default 5. */
  readonly intervalSeconds?: number
  /** Called with each report that is not empty. It may take a minute. A failure is passed to `onError`. */
  readonly onReport?: (report: SyncReport) => void | Promise<void>
  /**
   * Called when a synchronization fails. It is repeated after the interval. A failure of `onError` becomes a process
   * warning.
   */
  readonly onError?: (error: Error) => void | Promise<void>
  /** Ends the watch. */
  readonly signal?: AbortSignal
}

const lockFile = ".gateway-memory.lock"
const defaultIntervalSeconds = 5
const callbackMs = 60_000

/**
 * Synchronizes memories with a folder of Markdown files. A change on one side is copied to the other. If both sides
 * changed, both are kept and reported.
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
    if (lock === null) {
      throw new GatewayError(
        { code: "sync_locked", status: 503, retryable: true },
        "Another process synchronizes the folder of memories. Try again.",
      )
    }
    try {
      return await synchronize({ memories: this.#options.memories, root, signal })
    } finally {
      lock.release()
    }
  }

  /** Synchronizes at once and then at the interval. Resolves when `stop` is called or the signal aborts. */
  async watch({
    intervalSeconds = defaultIntervalSeconds,
    onReport,
    onError,
    signal,
  }: WatchOptions = {}): Promise<void> {
    this.#stopping = new AbortController()
    const ends = AbortSignal.any([this.#stopping.signal, ...(signal === undefined ? [] : [signal])])
    const bounds = { timeoutMs: callbackMs, signal: ends }
    while (!ends.aborted) {
      try {
        const report = await this.sync({ signal: ends })
        const isEmpty = Object.values(report).every((part) => part.length === 0)
        if (!isEmpty) await callBounded(() => onReport?.(report), { name: "onReport", ...bounds })
      } catch (error) {
        if (ends.aborted) return
        await callBounded(() => onError?.(toError(error)), { name: "onError", ...bounds }).catch((thrown) => {
          if (!ends.aborted) process.emitWarning(`onError failed: ${toError(thrown).message}`)
        })
      }
      await sleep(intervalSeconds * 1_000, ends)
    }
  }

  /** Ends the watch after the current memory. */
  stop(): void {
    this.#stopping.abort(new Error("The synchronization was stopped."))
  }
}
