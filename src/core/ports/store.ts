import type { Approvals } from "./approvals.ts"
import type { Directory } from "./directory.ts"
import type { Keyring } from "./keyring.ts"
import type { Memory } from "./memory.ts"
import type { Outbox } from "./outbox.ts"
import type { Secrets } from "./secrets.ts"
import type { SessionLog } from "./session-log.ts"
import type { Subscriptions } from "./subscriptions.ts"

/** All that outlives the process, opened and closed as one. */
export interface Store {
  readonly log: SessionLog
  readonly keyring: Keyring
  readonly approvals: Approvals
  readonly directory: Directory
  readonly secrets: Secrets
  readonly memory: Memory
  readonly outbox: Outbox
  readonly subscriptions: Subscriptions
  /** Ends this process's membership without releasing its leases: other processes may take them over. */
  close(): Promise<void>
}
