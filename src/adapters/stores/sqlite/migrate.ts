import { readInteger } from "../rows/columns.ts"
import { findNewestVersion, listDueStatements, type Schema } from "../rules/schema-versions.ts"
import { readSetting, writeSetting } from "../sql/settings.ts"
import type { Database } from "./database/database.ts"
import { runSteps } from "./database/sql-database.ts"
import { schema } from "./schema.ts"

/** The version that `migrate` brings a database to. */
export const schemaVersion = findNewestVersion(schema)

/**
 * Creates the tables of an empty database, and migrates an older one. Refuses a database that this version cannot use
 * (rule 14, versions). `file` is for the message.
 */
export async function migrate(database: Database, file: string, to: Schema = schema): Promise<void> {
  await database.write(() => {
    const version = readInteger(database.get("PRAGMA user_version") ?? {}, "user_version")
    const newest = findNewestVersion(to)
    const oldest = version > newest ? readOldestSchema(database) : null
    const statements = listDueStatements(to, { version, oldest, name: `The database ${file}` })
    // An up-to-date gateway writes nothing, so that it also starts while the disk is full.
    if (version >= newest) return
    for (const statement of statements) database.run(statement)
    database.run(`PRAGMA user_version = ${newest}`)
    database.run("CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    runSteps(database, 0, writeSetting("oldestSchema", String(to.oldestVersion)))
  })
}

/** Returns null for a database that no released version has created, which has no settings. */
function readOldestSchema(database: Database): string | null {
  const table = database.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'setting'")
  return table === undefined ? null : runSteps(database, 0, readSetting("oldestSchema"))
}
