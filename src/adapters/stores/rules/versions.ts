import { LogTooNewError } from "../../../core/errors.ts"
import { type Row, readInteger } from "../rows/columns.ts"

/** The versions of the log that this process reads and writes (rule 14, versions). */
export interface Versions {
  /** The newest version that this process reads. The store publishes it to the other processes. */
  readonly reads: number
  /** Returns the newest version that all live processes read, to this process's knowledge. */
  writes(): number
}

/**
 * Throws if the session of the row, which has its `log_version`, contains data that is newer than this process reads.
 */
export function refuseNewer(row: Row, { reads }: Versions): void {
  if (readInteger(row, "log_version") > reads) throw new LogTooNewError()
}
