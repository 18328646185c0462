import { readInteger } from "../rows/columns.ts"
import { refuseNewerSchema } from "../rules/schema-versions.ts"
import type { Database } from "./database/database.ts"
import { migrations, oldestSchema } from "./schema.ts"
import { readSetting, writeSetting } from "./settings.ts"

/** The version that `migrate` brings a database to. */
export const schemaVersion = migrations.length

/**
 * Migrates the database. Refuses one that a newer version of this package has changed so that this version cannot use
 * it (rule 14, versions). `file` is for the message.
 */
export async function migrate(database: Database, file: string): Promise<void> {
  await database.write(() => {
    const version = readInteger(database.get("PRAGMA user_version") ?? {}, "user_version")
    const oldest = version > schemaVersion ? readSetting(database, "oldestSchema") : null
    refuseNewerSchema({ version, oldest }, schemaVersion, `The database ${file}`)
    // An up-to-date gateway writes nothing, so that it also starts while the disk is full.
    if (version >= schemaVersion) return
    for (const statement of migrations.slice(version).flat()) database.run(statement)
    database.run(`PRAGMA user_version = ${schemaVersion}`)
    writeSetting(database, "oldestSchema", String(oldestSchema))
  })
}
