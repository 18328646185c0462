import type { PutCommand } from "../../../core/ports/store/inbox.ts"
import type { PutOutcome } from "../../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../../core/ports/store/storage-limits.ts"
import type { NewCommand } from "../rows/command-rows.ts"
import type { LargeContents } from "../rows/large/large-contents.ts"
import type { PutPlan, Receiver } from "../rules/put-rules.ts"
import type { Steps } from "./statement.ts"

export interface PutOptions {
  readonly limits?: StorageLimits | undefined
  /** Texts that were made before the transaction. */
  readonly texts?: LargeContents | undefined
}

export interface Put {
  readonly outcome: PutOutcome
  /** If true, the put gave the session due work. */
  readonly isDue: boolean
}

/** A run to cancel, with the time of the cancel. */
export interface Canceled {
  readonly sessionId: string
  /** Null for all runs of the session. */
  readonly runId: string | null
  readonly at: number
}

/** The inboxes in a transaction. Each database writes to them in its own way, because messages are put often. */
export interface Inboxes {
  put(command: PutCommand, options?: PutOptions): Steps<Put>
  /** Locks a session. Null if there is none. Throws if only newer processes can read it. */
  receive(sessionId: string): Steps<Receiver | null>
  /** Stores a due command for a locked session. */
  insert(command: NewCommand): Steps<void>
  /** Carries out a plan for a locked session that accepts no message. */
  carryOut(sessionId: string, plan: PutPlan): Steps<void>
  /** Returns the sessions in the order in which a transaction must lock them. */
  inLockOrder(ids: ReadonlySet<string>): Steps<readonly string[]>
  /** Cancels all runs that work for these, at every level. Returns their sessions. */
  cancelBelow(canceled: Canceled): Steps<readonly string[]>
}

/** Runs steps over the inboxes in a transaction. */
export type InboxTransaction = <T>(steps: (inboxes: Inboxes) => Steps<T>) => Promise<T>
