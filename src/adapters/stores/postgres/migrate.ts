import { ConfigurationError } from "../../../core/errors.ts"
import { readInteger } from "../rows/columns.ts"
import { findNewestVersion, listDueStatements, type Schema } from "../rules/schema-versions.ts"
import { readSetting, writeSetting } from "../sql/settings.ts"
import type { Database } from "./database/database.ts"
import { runSteps } from "./database/sql-database.ts"
import { schema } from "./schema.ts"

const oldestServer = 15

/**
 * An arbitrary number, the same in all versions. Processes that start at once use it to create the tables one after
 * another.
 */
export const migrationLock = 4_021_977_001

/**
 * Creates the tables of an empty database, and migrates an older one. Refuses a server that is too old, and a schema
 * that this version cannot use (rule 14, versions).
 */
export async function migrate(database: Database, to: Schema = schema): Promise<void> {
  const [server] = await database.query("SHOW server_version_num")
  const serverVersion = Math.floor(readInteger(server ?? {}, "server_version_num") / 10_000)
  if (serverVersion < oldestServer) {
    throw new ConfigurationError(
      `Postgres ${serverVersion} is too old. Version ${oldestServer} or newer is required.`,
    )
  }
  await database.transaction(async (query) => {
    await query("SELECT pg_advisory_xact_lock($1)", [migrationLock])
    await query("CREATE SCHEMA IF NOT EXISTS agent_gateway")
    await query("CREATE TABLE IF NOT EXISTS agent_gateway.migration (version integer PRIMARY KEY)")
    await query(
      "CREATE TABLE IF NOT EXISTS agent_gateway.setting (name text PRIMARY KEY, value text NOT NULL)",
    )
    const [newest] = await query("SELECT coalesce(max(version), 0) AS version FROM agent_gateway.migration")
    const version = readInteger(newest ?? {}, "version")
    const oldest = await runSteps(query, readSetting("oldestSchema"))
    const statements = listDueStatements(to, { version, oldest, name: "The schema agent_gateway" })
    const newestVersion = findNewestVersion(to)
    if (version >= newestVersion) return
    for (const statement of statements) await query(statement)
    await query("INSERT INTO agent_gateway.migration (version) VALUES ($1)", [newestVersion])
    await runSteps(query, writeSetting("oldestSchema", String(to.oldestVersion)))
  })
}
