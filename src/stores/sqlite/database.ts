import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { setTimeout as delay } from "node:timers/promises"
import type { Row } from "../columns.ts"
import { isBusy, toStoreError } from "./failures.ts"

/** How long a call tries again while another process holds the database. */
const busyForMs = 2_000
const longestPauseMs = 20
/** Holds the pages that some hundreds of streaming sessions write to. */
const cacheKilobytes = 32_000

/**
 * One connection. `get`, `all`, `each` and `run` are only for functions given to `read` and `write`; their statements
 * take values by `?` alone, since Node 22 does not bind `?1`.
 * Nothing in here waits inside SQLite: a busy database is tried again from the event loop (rule 15).
 */
export interface Database {
  get(sql: string, ...values: SQLInputValue[]): Row | undefined
  all(sql: string, ...values: SQLInputValue[]): Row[]
  each(sql: string, ...values: SQLInputValue[]): Iterable<Row>
  /** Returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number
  /** Runs at once; sees one snapshot per statement. */
  read<T>(work: () => T): Promise<T>
  /** One transaction, all or nothing; in the order of the calls. */
  write<T>(work: () => T): Promise<T>
  close(): void
}

export type Durability = "process" | "full"

/** `file` may be `:memory:`. The file must be one that SQLite can open; see `prepareDataDirectory`. */
export async function openDatabase(file: string, durability: Durability): Promise<Database> {
  return patiently(() => {
    const connection = new DatabaseSync(file, { timeout: 0 })
    try {
      connection.exec(`PRAGMA journal_mode = WAL; PRAGMA cache_size = -${cacheKilobytes};
        PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`)
      return onConnection(connection)
    } catch (error) {
      connection.close()
      throw error
    }
  })
}

function onConnection(connection: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>()
  let lastWrite: Promise<unknown> = Promise.resolve()

  function statement(sql: string): StatementSync {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const prepared = connection.prepare(sql)
    statements.set(sql, prepared)
    return prepared
  }

  function transaction<T>(work: () => T): T {
    connection.exec("BEGIN IMMEDIATE")
    try {
      const result = work()
      connection.exec("COMMIT")
      return result
    } catch (error) {
      // SQLite has rolled back by itself after some failures, a full disk for one.
      if (connection.isTransaction) connection.exec("ROLLBACK")
      throw error
    }
  }

  return {
    get: (sql, ...values) => statement(sql).get(...values),
    all: (sql, ...values) => statement(sql).all(...values),
    each: (sql, ...values) => statement(sql).iterate(...values),
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    read: (work) => patiently(work),
    write(work) {
      // A write that waits for another process must not be overtaken: commits of a session keep their order.
      const deadline = performance.now() + busyForMs
      const result = lastWrite.then(() => patiently(() => transaction(work), deadline))
      // The caller handles the failure; the next write only waits for the end.
      lastWrite = result.catch(() => undefined)
      return result
    },
    close() {
      if (connection.isOpen) connection.close()
    },
  }
}

async function patiently<T>(work: () => T, deadline = performance.now() + busyForMs): Promise<T> {
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw toStoreError(error)
    }
    await delay(pauseMs * (0.5 + Math.random()))
  }
}
