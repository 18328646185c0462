import type { Clock } from "../../core/clock.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Store } from "../../core/ports/store.ts"
import { integer, text } from "../columns.ts"
import { createWatchHub, type WatchHub } from "../watch-hub.ts"
import { createApprovals } from "./approvals.ts"
import { connectionConfig, type Database, type Durability, loadDriver, openDatabase } from "./database.ts"
import { toOpeningError } from "./failures.ts"
import { createKeyring } from "./keyring.ts"
import { joinMembers } from "./membership.ts"
import { lastSeq, migrate } from "./schema.ts"
import { createSecrets } from "./secrets.ts"
import { createSessionLog } from "./session-log.ts"

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, as `pg` reads it. */
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
  /** `full` makes the server wait for its disk whatever its own default is. Default `process`: its default. */
  readonly durability?: Durability
  /** How often this process renews its claim to be alive. Default 2000. */
  readonly heartbeatMs?: number
  /** How long after its last sign others take its sessions over. Default 10 000. */
  readonly ttlMs?: number
}

const watchPollMs = 100

/** Throws `ConfigurationError` when the database cannot be reached or used, or was changed by a newer version. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, clock, logger, durability = "process", heartbeatMs = 2_000, ttlMs = 10_000 } = options
  const driver = await loadDriver()
  const config = connectionConfig(url, durability)
  const database = openDatabase(driver, config, logger)
  const hub = createWatchHub({ logger, pollMs: watchPollMs, poll: (watching) => poll(database, watching) })
  try {
    await migrate(database)
    const connect = () => new driver.Client(config)
    const onArrival = (sessionId: string) => hub.arrived(sessionId)
    const membership = await joinMembers({ connect, onArrival, logger, heartbeatMs, ttlMs })
    return {
      log: createSessionLog(database, membership.id, hub),
      keyring: createKeyring(database.query, clock),
      approvals: createApprovals(database),
      secrets: createSecrets(database.query),
      async close() {
        hub.close()
        await database.close()
        await membership.end()
      },
    }
  } catch (error) {
    await database.close()
    throw toOpeningError(error)
  }
}

/** Notices what other processes write to the sessions that are watched. */
async function poll(database: Database, hub: WatchHub): Promise<void> {
  const { watched } = hub
  if (watched.length === 0) return
  const rows = await database.query(
    `SELECT id, ${lastSeq} AS last_seq FROM agent_gateway.session WHERE id = ANY($1)`,
    [watched],
  )
  for (const row of rows) hub.changed(text(row, "id"), integer(row, "last_seq"))
}
