import { ConfigurationError } from "../../../core/errors.ts"

/** The tables of a store and their changes (rule 14, versions). */
export interface Schema {
  /** The version of `tables`. */
  readonly firstVersion: number
  readonly tables: readonly string[]
  /** Statements that bring the schema from each version to the next. */
  readonly migrations: readonly (readonly string[])[]
  /**
   * The oldest version whose processes can work with the newest one, while they live or after a rollback. It stays as
   * it is when a migration only adds tables, indexes, and columns that may be left out of an `INSERT`. Any other
   * migration sets it to its own version.
   */
  readonly oldestVersion: number
}

/** The schema that a store has. */
export interface StoredSchema {
  /** 0 if the store has no tables. */
  readonly version: number
  /** The setting with the oldest version whose processes can use it. Null if the last migration did not store it. */
  readonly oldest: string | null
  /** Names the store in messages. */
  readonly name: string
}

/** Returns the version that `listDueStatements` leads to. */
export function findNewestVersion({ firstVersion, migrations }: Schema): number {
  return firstVersion + migrations.length
}

/**
 * Returns the statements that bring a store to the newest version. Throws if a newer version of this package has
 * changed the store so that this version cannot use it, or if the store is older than the first schema.
 */
export function listDueStatements(schema: Schema, stored: StoredSchema): readonly string[] {
  const { version, oldest, name } = stored
  const newest = findNewestVersion(schema)
  if (version > newest) {
    if (oldest !== null && Number(oldest) <= newest) return []
    throw new ConfigurationError(
      `${name} was written by a newer version of ai-agent-gateway, which this version cannot work with ` +
        `(it is at ${version}, this version knows ${newest}). Upgrade the package.`,
    )
  }
  if (version === 0) return [...schema.tables, ...schema.migrations.flat()]
  if (version < schema.firstVersion) {
    throw new ConfigurationError(
      `${name} was written by a development version of ai-agent-gateway, which was never published ` +
        `(it is at ${version}, the first published version is ${schema.firstVersion}). Use a new database.`,
    )
  }
  return schema.migrations.slice(version - schema.firstVersion).flat()
}
