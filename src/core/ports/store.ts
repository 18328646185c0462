import type { Approvals } from "./approvals.ts"
import type { Keyring } from "./keyring.ts"
import type { Secrets } from "./secrets.ts"
import type { SessionLog } from "./session-log.ts"

/** All that outlives the process, opened and closed as one. */
export interface Store {
  readonly log: SessionLog
  readonly keyring: Keyring
  readonly approvals: Approvals
  readonly secrets: Secrets
  /** Ends this process's membership without releasing its leases: other processes may take them over. */
  close(): Promise<void>
}
