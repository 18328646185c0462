import type { Logger } from "../../../../core/ports/logger.ts"
import type { Versions } from "../../rules/versions.ts"
import type { Membership } from "./membership.ts"

/** Milliseconds between two checks of the versions that other processes read. */
const everyMs = 500

export interface Fleet extends Versions {
  stop(): void
}

/** Tracks the versions that the live processes on this data directory read. */
export function followFleet(
  membership: Membership,
  { reads, logger }: { readonly reads: number; readonly logger: Logger },
): Fleet {
  let writes = membership.versionOfAll()
  const look = () => {
    try {
      writes = membership.versionOfAll()
    } catch (error) {
      // The last known version remains valid until the next check.
      logger.warn(
        { error },
        "The versions of the other processes could not be read. They are read again soon.",
      )
    }
  }
  const timer = setInterval(look, everyMs).unref()
  return { reads, writes: () => writes, stop: () => clearInterval(timer) }
}
