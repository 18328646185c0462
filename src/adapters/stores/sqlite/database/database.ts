import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import { loadSqlite } from "../../../../platform/node/load-sqlite.ts"
import type { Row } from "../../rows/columns.ts"
import { retryWhileBusy } from "./busy-retry.ts"
import { createWriteQueue, type WriteOptions } from "./write-queue.ts"

/** Enough for the pages that some hundreds of streaming sessions write to. */
const cacheKilobytes = 32_000

/**
 * One connection. `get`, `all`, `each` and `run` are only for functions passed to `read` and `write`. Their
 * statements use `?` alone, because Node 22 does not bind `?1`. No call waits inside SQLite: if the database is busy,
 * the call is retried from the event loop (rule 15).
 */
export interface Database {
  get(sql: string, ...values: SQLInputValue[]): Row | undefined
  all(sql: string, ...values: SQLInputValue[]): Row[]
  each(sql: string, ...values: SQLInputValue[]): Iterable<Row>
  /** Returns the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number
  /** Runs the work at once. Each statement sees one snapshot. */
  read<T>(work: () => T): Promise<T>
  /** Runs the work inside a transaction, completely or not at all, in the order of the calls. */
  write<T>(work: () => T, options?: WriteOptions): Promise<T>
  /** While it is set, writes wait. */
  readonly hold: WriteHold
  close(): void
}

export type Durability = "process" | "full"

/** Opens a connection. `file` may be `:memory:`. SQLite must be able to open the file; see `prepareDataDirectory`. */
export async function openDatabase(file: string, durability: Durability): Promise<Database> {
  const { DatabaseSync } = loadSqlite()
  return retryWhileBusy(() => {
    const connection = new DatabaseSync(file, { timeout: 0 })
    try {
      // Zeros replace what is deleted, so that no deleted text remains in the file. For the many small rows this costs
      // nothing measurable, and for a deleted text of 64 KB 0.07 ms.
      connection.exec(`PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL; PRAGMA cache_size = -${cacheKilobytes};
        PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`)
      return createDatabase(connection)
    } catch (error) {
      connection.close()
      throw error
    }
  })
}

/** A prepared statement whose rows are arrays, because an object for each row takes Node twice the time. */
interface Prepared {
  readonly statement: StatementSync
  readonly columns: readonly string[]
}

function createDatabase(connection: DatabaseSync): Database {
  const statements = new Map<string, Prepared>()

  function prepareStatement(sql: string): Prepared {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = connection.prepare(sql)
    statement.setReturnArrays(true)
    const prepared = { statement, columns: statement.columns().map(({ name }) => name) }
    statements.set(sql, prepared)
    return prepared
  }

  const hold = createWriteHold()
  const write = createWriteQueue({
    execute: (sql) => void prepareStatement(sql).statement.run(),
    isOpen: () => connection.isTransaction,
    isHeld: hold.isSet,
  })

  return {
    get(sql, ...values) {
      const { statement, columns } = prepareStatement(sql)
      const found = statement.get(...values)
      return found === undefined ? undefined : toRow(columns, found)
    },
    all(sql, ...values) {
      const { statement, columns } = prepareStatement(sql)
      return statement.all(...values).map((each) => toRow(columns, each))
    },
    *each(sql, ...values) {
      const { statement, columns } = prepareStatement(sql)
      for (const each of statement.iterate(...values)) yield toRow(columns, each)
    },
    run: (sql, ...values) => Number(prepareStatement(sql).statement.run(...values).changes),
    read: (work) => retryWhileBusy(work),
    write,
    hold,
    close() {
      if (connection.isOpen) connection.close()
    },
  }
}

function toRow(columns: readonly string[], values: Readonly<Record<number, unknown>>): Row {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < columns.length; index++) row[columns[index] ?? ""] = values[index]
  return row
}

/**
 * A flag in memory that the checkpoint thread shares with the event loop. While it is set, this process starts no
 * transaction. The thread can then restart the write-ahead log without a collision, however long the disk or a busy
 * machine makes that take. Writes wait for the thread without a time limit, because it belongs to this process.
 */
interface WriteHold {
  /** One integer: 1 while the thread holds the writes back, otherwise 0. */
  readonly memory: Int32Array<SharedArrayBuffer>
  isSet(): boolean
  /** For the end of the thread, which may have ended with the flag set. */
  clear(): void
}

function createWriteHold(): WriteHold {
  const memory = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  return {
    memory,
    isSet: () => Atomics.load(memory, 0) === 1,
    clear: () => void Atomics.store(memory, 0, 0),
  }
}
