import { setTimeout as delay } from "node:timers/promises"
import type { ClientConfig, Pool, PoolClient, QueryConfig } from "pg"
import { ConfigurationError, StoreUnavailableError } from "../../../../core/errors.ts"
import type { Logger } from "../../../../core/ports/logger.ts"
import { computeBackoff } from "../../../../platform/backoff/backoff.ts"
import type { Row } from "../../rows/columns.ts"
import { readSqlState, toStoreError } from "./failures.ts"
import type { NameStatement } from "./statement-names.ts"

/** Runs one statement. Rejects with `StoreUnavailableError` if the server or the connection fails. */
export type Query = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>

/** Pooled connections. Statements name their tables with the schema `agent_gateway`. */
export interface Database {
  readonly query: Query
  /** Runs one transaction at READ COMMITTED: every statement sees everything that was committed before it. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
  /** Waits for the calls in progress, for at most two seconds. May be called again. */
  close(): Promise<void>
}

export type Durability = "process" | "full"

const timeoutMs = 10_000
/** SQLSTATE `too_many_connections`. */
const tooManyConnections = "53300"
/** Before a call requests a connection again that the server refused for want of any. */
const shortageBackoff = { firstMs: 50, maxMs: 50 }
/** Milliseconds before the pool opens further connections after such a refusal. */
const growMs = 1_000
/** The final message of a silent connection never arrives. */
const closeMs = 2_000
/**
 * Shorter than the client's own limit, so that the server does not execute a statement that the client has given up.
 */
const statementMs = 8_000
/**
 * Other transactions hold a session's row for milliseconds. A row that is locked for longer must not use up the pool.
 */
const lockMs = 2_000
/** A process that hangs in a transaction must not block the rows of its sessions for others. */
const idleInTransactionMs = 3_000
const idleInMigrationMs = 60_000

export function createConnectionConfig(url: string, durability: Durability): ClientConfig {
  return {
    connectionString: applyLibpqMeaning(url),
    application_name: "ai-agent-gateway",
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    // Otherwise the server's own setting applies, which waits for the disk by default.
    ...(durability === "full" ? { options: "-c synchronous_commit=on" } : {}),
  }
}

/**
 * Gives `sslmode` the meaning that it has for all other programs of Postgres: `require` encrypts and does not check the
 * certificate. By default, `pg` checks it like `verify-full`.
 */
function applyLibpqMeaning(url: string): string {
  const isMode = /[?&]sslmode=(disable|prefer|require|verify-ca|verify-full)(&|$)/.test(url)
  return isMode && !url.includes("uselibpqcompat=") ? `${url}&uselibpqcompat=true` : url
}

/**
 * Returns the configuration for migrations, which may wait for another process's migration or change a large table.
 * A process that hangs during its start for longer than other transactions may still migrate, because a server on a
 * busy machine must start. The others wait for it that long.
 */
export function createMigrationConfig(config: ClientConfig): ClientConfig {
  const unlimited = { query_timeout: 0, statement_timeout: 0, lock_timeout: 0 }
  return { ...config, ...unlimited, idle_in_transaction_session_timeout: idleInMigrationMs }
}

/**
 * Returns the configuration of a connection outside the pool. Every call is bounded by `limitMs`, and so is
 * connecting, except for the first time. When a process starts, nothing depends on the connection yet, and the server
 * may be busy.
 */
export function createStandingConfig(
  config: ClientConfig,
  { name, limitMs, isFirst }: { readonly name: string; readonly limitMs: number; readonly isFirst: boolean },
): ClientConfig {
  return {
    ...config,
    application_name: name,
    connectionTimeoutMillis: isFirst ? timeoutMs : limitMs,
    query_timeout: limitMs,
    statement_timeout: limitMs,
  }
}

/** Loads `pg`. It is an optional peer, because only users of Postgres need it. */
export async function loadDriver(): Promise<typeof import("pg")> {
  try {
    return await import("pg")
  } catch (error) {
    throw new ConfigurationError("A Postgres store needs the package pg: npm install pg.", { cause: error })
  }
}

export interface DatabaseOptions {
  /** Size of the pool. */
  readonly connections: number
  readonly nameStatement: NameStatement
  /** Called with each error of a statement, as `pg` throws it. Default: nothing is called. */
  readonly onError?: (error: unknown) => void
  readonly logger: Logger
}

/** Opens a pool. */
export function openDatabase(
  driver: typeof import("pg"),
  config: ClientConfig,
  { connections, nameStatement, onError, logger }: DatabaseOptions,
): Database {
  const pool: Pool = new driver.Pool({ ...config, max: connections })
  // A broken connection also emits an event, which ends the process if there is no listener. The pool listens only to
  // idle connections, and opens another one if necessary.
  pool.on("connect", (client) => {
    client.on("error", (error) => logger.warn({ error }, "A connection to the database was lost."))
  })
  pool.on("error", () => undefined)
  let isKeptSmall = false

  function prepare(sql: string, values: readonly unknown[]): QueryConfig {
    // A statement without values uses the simple protocol, which takes no name.
    const name = values.length === 0 ? undefined : nameStatement(sql)
    return { text: sql, values: [...values], ...(name !== undefined && { name }) }
  }

  /** Waits while the pool or the server has no connection left: for about `timeoutMs`, and at most twice as long. */
  async function connect(): Promise<PoolClient> {
    const givesUpAt = performance.now() + timeoutMs
    for (;;) {
      try {
        return await pool.connect()
      } catch (error) {
        if (readSqlState(error) !== tooManyConnections || performance.now() > givesUpAt)
          throw toStoreError(error)
        growLater()
        await delay(computeBackoff(0, shortageBackoff), undefined, { ref: false })
      }
    }
  }

  /**
   * Keeps the pool at its current size for a while, so that calls wait for the connections it has: the server refuses
   * further ones, and each refusal costs it as much as a connection.
   */
  function growLater(): void {
    pool.options.max = Math.max(1, pool.totalCount)
    if (isKeptSmall) return
    isKeptSmall = true
    setTimeout(() => {
      isKeptSmall = false
      pool.options.max = connections
    }, growMs).unref()
  }

  return {
    async query(sql, values = []) {
      const client = await connect()
      try {
        const { rows } = await client.query(prepare(sql, values))
        client.release()
        return rows
      } catch (error) {
        client.release(true)
        onError?.(error)
        throw toStoreError(error)
      }
    },
    async transaction(work) {
      const client = await connect()
      const query: Query = async (sql, values = []) => {
        try {
          return (await client.query(prepare(sql, values))).rows
        } catch (error) {
          onError?.(error)
          throw toStoreError(error)
        }
      }
      try {
        await query("BEGIN")
        const result = await work(query)
        await query("COMMIT")
        client.release()
        return result
      } catch (error) {
        await rollBack(client, error)
        throw error
      }
    },
    async close() {
      if (pool.ended || pool.ending) return
      await Promise.race([pool.end(), delay(closeMs, undefined, { ref: false })])
    },
  }
}

/**
 * Ends a failed transaction. If the server refused a statement or the caller failed, its locks are free when this
 * resolves. A connection that failed is closed. The server then rolls back when it notices that.
 */
async function rollBack(client: PoolClient, error: unknown): Promise<void> {
  if (error instanceof StoreUnavailableError) return client.release(true)
  try {
    await client.query("ROLLBACK")
    client.release()
  } catch {
    // The caller receives the first error.
    client.release(true)
  }
}
