import { randomUUID } from "node:crypto"
import type { ClientConfig } from "pg"
import { logVersion } from "../../../core/log/entries.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { CommandDelivery } from "../../../core/ports/store/outbox.ts"
import type { WholeStore } from "../../../core/ports/store/store.ts"
import { createAlarm } from "../bell.ts"
import { createDirectory } from "../directory/create-directory.ts"
import { readInteger, readText } from "../rows/columns.ts"
import { findMissingTables } from "../rules/missing-tables.ts"
import { createApprovals } from "../sql/approvals.ts"
import { createArchive } from "../sql/archive.ts"
import { createContents } from "../sql/contents.ts"
import { readFigures } from "../sql/figures.ts"
import type { InboxTransaction } from "../sql/inbox.ts"
import { createKeptRequests } from "../sql/kept-requests.ts"
import { createKeyring } from "../sql/keyring.ts"
import { createMemory } from "../sql/memory.ts"
import { createOutbox } from "../sql/outbox.ts"
import { moveCommand } from "../sql/outbox-commands.ts"
import { createRevocations } from "../sql/revocations.ts"
import { createSchedules } from "../sql/schedules.ts"
import { createSecrets } from "../sql/secrets.ts"
import { createPause, readStoreId } from "../sql/settings.ts"
import { createSnapshots } from "../sql/snapshots.ts"
import { createSubscriptions } from "../sql/subscriptions.ts"
import { createWatchHub, type WatchHub } from "../watch-hub.ts"
import {
  createConnectionConfig,
  createMigrationConfig,
  createStandingConfig,
  type Database,
  type Durability,
  loadDriver,
  openDatabase,
} from "./database/database.ts"
import { createDiskSpace, writeProbe } from "./database/disk-space.ts"
import { toOpeningError } from "./database/failures.ts"
import { detectPooler } from "./database/pooler.ts"
import { createSqlDatabase } from "./database/sql-database.ts"
import { createStatementNames, type NameStatement, unnamed } from "./database/statement-names.ts"
import { createServedAgents } from "./directory.ts"
import { createInboxes } from "./inbox/inbox.ts"
import { listenForArrivals } from "./inbox/listen-for-arrivals.ts"
import { computeHeartbeatTimes } from "./leases/heartbeat.ts"
import { uncountLapse } from "./leases/leases.ts"
import { joinMembers, toConnectionName } from "./leases/membership.ts"
import { createTermIndex } from "./memory.ts"
import { migrate } from "./migrate.ts"
import { dividePools, type ResolvedPostgresOptions, resolvePostgresOptions } from "./options.ts"
import { lastSeq, schema } from "./schema.ts"
import { createBodyMover } from "./session-log/archive.ts"
import { createSessionLog } from "./session-log/session-log.ts"

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, as `pg` parses it. */
  readonly url: string
  /** Default: the defaults of `postgresStore`. */
  readonly options?: ResolvedPostgresOptions
  readonly logger: Logger
  /**
   * With `full`, the server waits for its disk, whatever its own default is. Default `process`: the server's default.
   */
  readonly durability?: Durability
  /**
   * Time to live of this process's last heartbeat in milliseconds. After that time other processes take its sessions.
   * The process sends four heartbeats in this time. All processes of a database must use the same value. Default
   * 3000.
   */
  readonly ttlMs?: number
  /** For tests: the newest log version that this process reads. Default: the newest version. */
  readonly readsVersion?: number
}

type Driver = Awaited<ReturnType<typeof loadDriver>>

const watchPollMs = 100
/** Milliseconds after which a silent listener is replaced. */
const listenerLimitMs = 5_000

/** Throws `ConfigurationError` if the database cannot be reached or used, or was changed by a newer version. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<WholeStore> {
  const { url, logger, durability = "process" } = options
  const driver = await loadDriver()
  const config = createConnectionConfig(url, durability)
  try {
    await migrateAlone(driver, config, logger)
    const isPooled = await detectPooler(driver, config)
    if (isPooled) logger.warn({}, behindPooler)
    const nameStatement = isPooled ? unnamed : createStatementNames()
    return await openMember(options, { driver, config, nameStatement })
  } catch (error) {
    throw toOpeningError(error)
  }
}

interface Connecting {
  readonly driver: Driver
  readonly config: ClientConfig
  readonly nameStatement: NameStatement
}

/** Opens the store as a new process among those that share the database. */
async function openMember(
  { options = resolvePostgresOptions({}), logger, ...other }: PostgresStoreOptions,
  { driver, config, nameStatement }: Connecting,
): Promise<WholeStore> {
  const { ttlMs, readsVersion: reads = logVersion } = other
  const id = randomUUID()
  const times = computeHeartbeatTimes(ttlMs)
  const sizes = dividePools(options)
  const probe = () => database.transaction((query) => writeProbe(query, `space_${id}`))
  const space = createDiskSpace({ probe, logger })
  const pools = { nameStatement, onError: space.failed, logger }
  const database = openDatabase(driver, config, { connections: sizes.others, ...pools })
  const commits = openDatabase(driver, config, { connections: sizes.commits, ...pools })
  const hub = createWatchHub({ logger, pollMs: watchPollMs, poll: (watching) => poll(database, watching) })
  const createStanding = (limitMs: number) => (isFirst: boolean) =>
    new driver.Client(createStandingConfig(config, { name: toConnectionName(id), limitMs, isFirst }))
  const ends: (() => Promise<void>)[] = [() => database.close(), () => commits.close()]
  const alarms = { outbox: createAlarm(), subscriptions: createAlarm() }
  const close = async () => {
    space.close()
    hub.close()
    alarms.outbox.close()
    alarms.subscriptions.close()
    for (const end of ends) await end()
  }
  try {
    const onArrival = (sessionId: string) => hub.arrived(sessionId)
    const arrivals = await listenForArrivals({ connect: createStanding(listenerLimitMs), onArrival, logger })
    ends.push(() => arrivals.end())
    const membership = await joinMembers({
      id,
      connect: createStanding(times.timeoutMs),
      times,
      reads,
      logger,
    })
    ends.push(() => membership.end())
    membership.liveness.onChange((isLive) => {
      if (!isLive) return
      uncountLapse(database.query, id).catch((error: unknown) => {
        logger.warn({ error }, "Takeovers from this process stay counted as crashes of their runs.")
      })
    })
    const versions = { reads, writes: membership.versionOfAll }
    const shared = createSqlDatabase(database)
    const inboxes = createInboxes(versions)
    const inTransaction: InboxTransaction = (steps) => shared.transaction(() => steps(inboxes))
    return {
      clock: membership.clock,
      log: createSessionLog({
        database,
        inTransaction,
        commits,
        space,
        membership,
        times,
        versions,
        hub,
        alarms,
      }),
      keyring: createKeyring(shared),
      revocations: createRevocations(shared),
      approvals: createApprovals(shared, versions),
      directory: createDirectory(shared, createServedAgents(database, id)),
      secrets: createSecrets(shared),
      memory: createMemory(shared, createTermIndex(database.query)),
      outbox: createOutbox(shared, {
        alarm: alarms.outbox,
        onArrival,
        async deliver(numbers) {
          const deliveries: (CommandDelivery | null)[] = []
          for (const number of numbers) deliveries.push(await moveCommand(inTransaction, number))
          return deliveries
        },
      }),
      subscriptions: createSubscriptions(shared, alarms.subscriptions),
      contents: createContents(shared),
      keptRequests: createKeptRequests(shared),
      snapshots: createSnapshots(shared),
      archive: createArchive(shared, createBodyMover(database)),
      schedules: createSchedules(shared, { inTransaction, onArrival }),
      pause: createPause(shared),
      figures: () => readFigures(shared),
      id: () => readStoreId(shared),
      missingTables: () => listMissingTables(database),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function migrateAlone(driver: Driver, config: ClientConfig, logger: Logger): Promise<void> {
  const options = { connections: 1, nameStatement: unnamed, logger }
  const database = openDatabase(driver, createMigrationConfig(config), options)
  try {
    await migrate(database)
  } finally {
    await database.close()
  }
}

const behindPooler =
  "The database is behind a connection pooler. The gateway prepares no statements there, so Postgres needs about twice " +
  "the CPU time. In transaction mode, processes do not notify each other: a message or an answer to a session that " +
  "another process executes waits for up to five seconds, and a process that was paused may count as crashed. Time " +
  "limits of statements apply only if Postgres sets them for the user. Connect to Postgres directly if you can."

async function listMissingTables({ query }: Database): Promise<readonly string[]> {
  const rows = await query("SELECT tablename FROM pg_tables WHERE schemaname = 'agent_gateway'")
  return findMissingTables(schema, new Set(rows.map((row) => readText(row, "tablename"))))
}

/** Notices writes of other processes to the watched sessions. */
async function poll(database: Database, hub: WatchHub): Promise<void> {
  const { watched } = hub
  if (watched.length === 0) return
  const rows = await database.query(
    `SELECT id, ${lastSeq} AS last_seq FROM agent_gateway.session WHERE id = ANY($1)`,
    [watched],
  )
  for (const row of rows) hub.changed(readText(row, "id"), readInteger(row, "last_seq"))
}
