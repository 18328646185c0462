import { ConfigurationError } from "../../core/errors.ts"
import { readInteger } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"
import { migrations } from "./schema.ts"

/** The version that `migrate` brings a database to. */
export const schemaVersion = migrations.length

/** Migrates the database. Refuses one that a newer version of this package has changed. `file` is for the message. */
export async function migrate(database: Database, file: string): Promise<void> {
  await database.write(() => {
    const version = readInteger(database.get("PRAGMA user_version") ?? {}, "user_version")
    if (version > schemaVersion) {
      throw new ConfigurationError(
        `The database ${file} was written by a newer version of ai-agent-gateway ` +
          `(its schema is ${version}, this version knows ${schemaVersion}). Upgrade the package.`,
      )
    }
    // An up-to-date gateway writes nothing, so that it also starts while the disk is full.
    if (version === schemaVersion) return
    for (const statement of migrations.slice(version).flat()) database.run(statement)
    database.run(`PRAGMA user_version = ${schemaVersion}`)
  })
}
