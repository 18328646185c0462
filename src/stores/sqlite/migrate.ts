import { readInteger } from "../rows/columns.ts"
import { refuseNewerSchema } from "../rules/schema-versions.ts"
import type { Database } from "./database/database.ts"
import { migrations, oldestSchema } from "./schema.ts"

/** The version that `migrate` brings a database to. */
export const schemaVersion = migrations.length

/**
 * Migrates the database. Refuses one that a newer version of this package has changed so that this version cannot use
 * it (rule 14, versions). `file` is for the message.
 */
export async function migrate(database: Database, file: string): Promise<void> {
  await database.write(() => {
    const version = readInteger(database.get("PRAGMA user_version") ?? {}, "user_version")
    const oldest = version > schemaVersion ? readOldestSchema(database) : null
    refuseNewerSchema({ version, oldest }, schemaVersion, `The database ${file}`)
    // An up-to-date gateway writes nothing, so that it also starts while the disk is full.
    if (version >= schemaVersion) return
    for (const statement of migrations.slice(version).flat()) database.run(statement)
    database.run(`PRAGMA user_version = ${schemaVersion}`)
    database.run("CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    database.run(
      `INSERT INTO setting (name, value) VALUES ('oldestSchema', ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      String(oldestSchema),
    )
  })
}

/** Returns null if the process that migrated the database did not store it. */
function readOldestSchema(database: Database): number | null {
  const table = database.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'setting'")
  if (table === undefined) return null
  const row = database.get("SELECT value FROM setting WHERE name = 'oldestSchema'")
  return row === undefined ? null : Number(row.value)
}
