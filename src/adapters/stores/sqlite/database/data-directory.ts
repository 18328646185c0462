import { closeSync, openSync } from "node:fs"
import { join } from "node:path"
import { ConfigurationError, GatewayError, toError } from "../../../../core/errors.ts"
import { makeDirectory, makeIgnoredDirectory } from "./make-directory.ts"

export interface DataDirectory {
  readonly database: string
  readonly processes: string
}

export function createDataDirectory(path: string): DataDirectory {
  return { database: join(path, "gateway.db"), processes: join(path, "processes") }
}

/** Creates the directory with mode 0700, because the database holds signing keys. */
export function prepareDataDirectory(path: string): DataDirectory {
  const { processes, database } = createDataDirectory(path)
  try {
    makeIgnoredDirectory(path, 0o700)
    makeDirectory(processes, 0o700)
    makeFile(database)
  } catch (error) {
    throw createUnusableDirectoryError(path, error)
  }
  return { database, processes }
}

/**
 * Creates the file if it is missing. An existing file is never opened here, because closing a descriptor of the file
 * would drop the locks of another store in this process. SQLite gives its other files the same mode.
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
  }
}

export function createUnusableDirectoryError(path: string, error: unknown): ConfigurationError {
  const reason = (error instanceof GatewayError ? error.detail : undefined) ?? toError(error).message
  const remedy = /\b(EACCES|EROFS)\b/.test(reason)
    ? " Let this user write to it, or name another folder with the option store."
    : ""
  return new ConfigurationError(`The data directory ${path} cannot be used: ${reason}.${remedy}`, {
    cause: error,
  })
}
