import { StoreUnavailableError } from "../../../../core/errors.ts"
import type { Logger } from "../../../../core/ports/logger.ts"
import { sleep } from "../../../../core/time/sleep.ts"
import type { Query } from "./database.ts"
import { readSqlState } from "./failures.ts"

/** SQLSTATE `disk_full`. */
const diskFull = "53100"
/** Milliseconds between two checks of a full disk. */
const checkMs = 1_000

/** The space on the server's disk, as far as the errors of statements show it. */
export interface DiskSpace {
  /** Must be called with each error of a statement. */
  failed(error: unknown): void
  /**
   * Throws `StoreUnavailableError` while the disk is full. The row of a message may then still fit into a page, but the
   * events of its run do not.
   */
  requireSpace(): void
  close(): void
}

export interface DiskSpaceOptions {
  /** Resolves if the disk has space. Rejects with `StoreUnavailableError` if it has none. */
  readonly probe: () => Promise<void>
  readonly logger: Logger
}

/** Notices a full disk, and checks every second if it has space again. */
export function createDiskSpace({ probe, logger }: DiskSpaceOptions): DiskSpace {
  const closing = new AbortController()
  let isFull = false

  async function waitForSpace(): Promise<void> {
    while (isFull) {
      await sleep(checkMs, closing.signal)
      if (closing.signal.aborted) return
      try {
        await probe()
        isFull = false
        logger.info({}, "The disk of the database has space again. New messages are accepted.")
      } catch (error) {
        if (error instanceof StoreUnavailableError) continue
        isFull = false
        logger.warn({ error }, "The disk of the database cannot be checked. New messages are accepted.")
      }
    }
  }

  return {
    failed(error) {
      if (isFull || readSqlState(error) !== diskFull) return
      isFull = true
      logger.error(
        { error },
        "The disk of the database is full. New messages are refused, and runs wait until it has space.",
      )
      void waitForSpace()
    },
    requireSpace() {
      if (isFull) throw new StoreUnavailableError({ detail: "The disk of the database is full." })
    },
    close: () => closing.abort(),
  }
}

/**
 * Writes about a mebibyte to the disk of the tables, but not to the write-ahead log: the server stops if that has no
 * space. Must be called inside a transaction. `name` is unique among the processes.
 */
export async function writeProbe(query: Query, name: string): Promise<void> {
  await query(
    `CREATE UNLOGGED TABLE agent_gateway."${name}" AS SELECT repeat('x', 1900) FROM generate_series(1, 550)`,
  )
  await query(`DROP TABLE agent_gateway."${name}"`)
}
