import type { Logger } from "../../core/ports/logger.ts"
import type { Versions } from "../rules/versions.ts"
import type { Membership } from "./membership.ts"

/** Time between two looks at which versions the other processes read. */
const everyMs = 500

export interface Fleet extends Versions {
  stop(): void
}

/** Follows which versions the live processes on this data directory read. */
export function followFleet(
  membership: Membership,
  { reads, logger }: { readonly reads: number; readonly logger: Logger },
): Fleet {
  let writes = membership.versionOfAll()
  const look = () => {
    try {
      writes = membership.versionOfAll()
    } catch (error) {
      // What was known before holds until the next look.
      logger.warn(
        { error },
        "The versions of the other processes could not be read. They are read again soon.",
      )
    }
  }
  const timer = setInterval(look, everyMs).unref()
  return { reads, writes: () => writes, stop: () => clearInterval(timer) }
}
