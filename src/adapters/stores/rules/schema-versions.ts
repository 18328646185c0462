import { ConfigurationError } from "../../../core/errors.ts"

/** The schema of a store. */
export interface StoredSchema {
  /** Number of its migrations. */
  readonly version: number
  /** The setting with the oldest version whose processes can use it. Null if the last migration did not store it. */
  readonly oldest: string | null
}

/**
 * Throws if a process cannot use a schema, because a newer version of this package has changed it. `known` is the
 * number of migrations that the process knows, and `name` names the schema in the message.
 */
export function refuseNewerSchema({ version, oldest }: StoredSchema, known: number, name: string): void {
  if (version <= known || (oldest !== null && Number(oldest) <= known)) return
  throw new ConfigurationError(
    `${name} was written by a newer version of ai-agent-gateway, which this version cannot work with ` +
      `(it is at ${version}, this version knows ${known}). Upgrade the package.`,
  )
}
