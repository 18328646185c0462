import { StoreUnavailableError } from "../../../core/errors.ts"
import { logVersion } from "../../../core/log/entries.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { WholeStore } from "../../../core/ports/store/store.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { createAlarm } from "../bell.ts"
import { createDirectory } from "../directory/create-directory.ts"
import { readText } from "../rows/columns.ts"
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
import { startCheckpointer } from "./database/checkpointer.ts"
import { createUnusableDirectoryError, prepareDataDirectory } from "./database/data-directory.ts"
import { type Database, type Durability, openDatabase } from "./database/database.ts"
import { createSpaceReserve } from "./database/space-reserve.ts"
import { createSqlDatabase } from "./database/sql-database.ts"
import { watchDatabase } from "./database/watching.ts"
import { createServedAgents } from "./directory.ts"
import { createTextRemover } from "./large/text-remover.ts"
import { followFleet } from "./leases/live-versions.ts"
import { createSoleMembership, joinMembers, type Membership } from "./leases/membership.ts"
import { createEraser, createTermIndex } from "./memory.ts"
import { migrate } from "./migrate.ts"
import { schema } from "./schema.ts"
import { createBodyMover } from "./session-log/archive.ts"
import { createSessionLog } from "./session-log/session-log.ts"
import { cancelManyBelow, findRunToCancel, runInInboxes } from "./tree.ts"

export interface SqliteStoreOptions {
  /**
   * The data directory. It is created if it is missing. It must not be on a network file system, because only one
   * machine can use it.
   */
  readonly path: string
  readonly clock: Clock
  readonly logger: Logger
  /**
   * With `process`, stored data survives the end of the process. With `full`, it also survives power loss. Default
   * `process`.
   */
  readonly durability?: Durability
  /** For tests: the newest log version that this process reads. Default: the newest version. */
  readonly readsVersion?: number
}

/**
 * Opens a store. Throws `ConfigurationError` if the directory cannot be used or contains a newer version's database.
 * A directory that was used before can also be opened while its disk is full. Reads then work, and writes reject
 * until there is space again.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<WholeStore> {
  const reserve = createSpaceReserve(options.path)
  try {
    const store = await openInDirectory(options)
    reserve.keep()
    return store
  } catch (error) {
    if (!reserve.release()) throw error
    return openInDirectory(options)
  }
}

async function openInDirectory(options: SqliteStoreOptions): Promise<WholeStore> {
  const { path, durability = "process" } = options
  const files = prepareDataDirectory(path)
  let database: Database | null = null
  let membership: Membership | null = null
  try {
    database = await openDatabase(files.database, durability)
    await migrate(database, files.database)
    membership = await joinMembers(files.processes, options.readsVersion)
    const checkpointer = startCheckpointer(database, files.database, options.logger)
    const emptyLog = () => checkpointer.emptyLog()
    const store = await openStore(database, membership, { ...options, directory: path, emptyLog })
    return {
      ...store,
      async close() {
        await checkpointer.stop()
        await store.close()
      },
    }
  } catch (error) {
    database?.close()
    membership?.end()
    throw error instanceof StoreUnavailableError ? createUnusableDirectoryError(path, error) : error
  }
}

/**
 * Opens a store that keeps nothing, for tests and experiments. It is the same implementation on a database in memory,
 * because a second one would only be another place for mistakes.
 */
export async function openMemoryStore(
  options: Omit<SqliteStoreOptions, "path" | "durability">,
): Promise<WholeStore> {
  const database = await openDatabase(":memory:", "process")
  await migrate(database, "in memory")
  return openStore(database, createSoleMembership(options.readsVersion), { ...options, directory: null })
}

/** Opens a store over a database whose schema is up to date. */
export async function openStore(
  database: Database,
  membership: Membership,
  {
    clock,
    logger,
    directory,
    readsVersion: reads = logVersion,
    emptyLog = async () => {},
  }: Pick<SqliteStoreOptions, "clock" | "logger" | "readsVersion"> & {
    readonly directory: string | null
    /** Empties the write-ahead log. Default: there is none. */
    readonly emptyLog?: () => Promise<void>
  },
): Promise<WholeStore> {
  const hub = await watchDatabase(database, logger)
  const fleet = followFleet(membership, { reads, logger })
  const alarms = { outbox: createAlarm(), subscriptions: createAlarm() }
  const remover = createTextRemover(database, clock, logger)
  const shared = createSqlDatabase(database, clock)
  const inboxes = () => ({ versions: fleet, now: clock.now() })
  const inTransaction: InboxTransaction = (steps) =>
    database.write(() => runInInboxes(database, inboxes(), steps))
  const deliver = (number: number) => {
    const find = () => findRunToCancel(database, number, inboxes())
    const parts = { find, options: inboxes, arrived: hub.arrived }
    return moveCommand(inTransaction, number, () => cancelManyBelow(database, parts))
  }
  return {
    log: createSessionLog(database, { membership, hub, alarms, clock, directory, remover, versions: fleet }),
    keyring: createKeyring(shared),
    revocations: createRevocations(shared),
    approvals: createApprovals(shared, fleet),
    directory: createDirectory(shared, createServedAgents(database, membership)),
    secrets: createSecrets(shared),
    memory: {
      ...createMemory(shared, createTermIndex(database)),
      erase: createEraser(database, emptyLog),
    },
    outbox: createOutbox(shared, {
      alarm: alarms.outbox,
      onArrival: hub.arrived,
      deliver: (numbers) => Promise.all(numbers.map(deliver)),
    }),
    subscriptions: createSubscriptions(shared, alarms.subscriptions),
    contents: createContents(shared),
    keptRequests: createKeptRequests(shared),
    snapshots: createSnapshots(shared),
    archive: createArchive(shared, createBodyMover(database, remover)),
    schedules: createSchedules(shared, { inTransaction, onArrival: hub.arrived }),
    pause: createPause(shared),
    figures: () => readFigures(shared),
    id: () => readStoreId(shared),
    missingTables: () => database.read(() => listMissingTables(database)),
    async close() {
      await remover.close()
      fleet.stop()
      hub.close()
      alarms.outbox.close()
      alarms.subscriptions.close()
      database.close()
      membership.end()
    },
  }
}

function listMissingTables(database: Database): readonly string[] {
  const rows = database.all("SELECT name FROM sqlite_schema WHERE type = 'table'")
  return findMissingTables(schema, new Set(rows.map((row) => readText(row, "name"))))
}
