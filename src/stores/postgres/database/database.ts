import { setTimeout as delay } from "node:timers/promises"
import type { ClientConfig, Pool, PoolClient } from "pg"
import { ConfigurationError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Row } from "../../rows/columns.ts"
import { toStoreError } from "./failures.ts"

/** One statement; rejects with `StoreUnavailableError` when the server or the way to it fails. */
export type Query = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>

/** Pooled connections. Statements name their tables with the schema `agent_gateway`. */
export interface Database {
  readonly query: Query
  /** One transaction at READ COMMITTED: every statement sees what was committed before it. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
  /** Waits for the calls under way, for two seconds at most. May be called again. */
  close(): Promise<void>
}

export type Durability = "process" | "full"

const timeoutMs = 10_000
/** The goodbye of a connection that has fallen silent never arrives. */
const closeMs = 2_000
/** Shorter than the client's own limit, so that the server does not execute what the client has given up. */
const statementMs = 8_000
/**
 * Other transactions hold a session's row for milliseconds. A row that is locked for longer must not use up the pool.
 */
const lockMs = 2_000
/** A process that hangs in a transaction must not keep others from its sessions' rows. */
const idleInTransactionMs = 3_000

export function connectionConfig(url: string, durability: Durability): ClientConfig {
  return {
    connectionString: url,
    application_name: "ai-agent-gateway",
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    // Otherwise the server's own setting holds, which by default waits for the disk as well.
    ...(durability === "full" ? { options: "-c synchronous_commit=on" } : {}),
  }
}

/** For migrations, which may wait for another process's or change a large table. */
export function withoutTimeouts(config: ClientConfig): ClientConfig {
  return { ...config, query_timeout: 0, statement_timeout: 0, lock_timeout: 0 }
}

/**
 * For a connection outside the pool: every call is bounded by `limitMs`, and so is connecting, except for the first
 * time. At the start of a process nothing depends on the connection yet, and the server may be busy.
 */
export function standingConfig(
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

/** `pg` is an optional peer: only who uses Postgres needs it. */
export async function loadDriver(): Promise<typeof import("pg")> {
  try {
    return await import("pg")
  } catch (error) {
    throw new ConfigurationError("A Postgres store needs the package pg: npm install pg.", { cause: error })
  }
}

/** `connections` is the size of the pool. */
export function openDatabase(
  driver: typeof import("pg"),
  config: ClientConfig,
  { connections, logger }: { readonly connections: number; readonly logger: Logger },
): Database {
  const pool: Pool = new driver.Pool({ ...config, max: connections })
  // A connection that breaks says so by an event as well, which ends the process if nobody listens; the pool listens
  // only to those that nobody uses. It opens another when one is needed.
  pool.on("connect", (client) => {
    client.on("error", (error) => logger.warn({ error }, "A connection to the database was lost."))
  })
  pool.on("error", () => undefined)

  async function connect(): Promise<PoolClient> {
    try {
      return await pool.connect()
    } catch (error) {
      throw toStoreError(error)
    }
  }

  return {
    async query(sql, values = []) {
      try {
        return (await pool.query(sql, [...values])).rows
      } catch (error) {
        throw toStoreError(error)
      }
    },
    async transaction(work) {
      const client = await connect()
      const query: Query = async (sql, values = []) => {
        try {
          return (await client.query(sql, [...values])).rows
        } catch (error) {
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
        // Closing the connection rolls back, in whatever state it is. Failures are too rare to save one.
        client.release(true)
        throw error
      }
    },
    async close() {
      if (pool.ended || pool.ending) return
      await Promise.race([pool.end(), delay(closeMs, undefined, { ref: false })])
    },
  }
}
