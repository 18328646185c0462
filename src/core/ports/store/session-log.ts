import type { ContentPart, Message } from "../../history/messages.ts"
import type { JsonObject } from "../../json/json.ts"
import type { Decider, Entry } from "../../log/entries.ts"
import type { RunLimits } from "../../runs/child.ts"
import type { RunSettings } from "../../runs/run-settings.ts"
import type { AnyAnswer, NewWait, Segment } from "../../wait.ts"
import type {
  InboxMessage,
  PendingOptions,
  PutAndClaimOutcome,
  PutCommand,
  PutRun,
  QueuedRun,
  RunOpened,
  SteerCommand,
  TaskEndCommand,
  WhenBusy,
  WithdrawCommand,
} from "./inbox.ts"
import type { Liveness } from "./liveness.ts"
import type { OutboxItem } from "./outbox.ts"
import type { PruneLimits } from "./prune-limits.ts"
import type { ReadOptions } from "./read-options.ts"
import type { Shares } from "./shares.ts"
import type { StorageLimits } from "./storage-limits.ts"

/**
 * The store of sessions: their log, their inbox and their leases. One instance is one process's membership. Its
 * leases count as live until it is closed or its process ends.
 *
 * Every method rejects with `StoreUnavailableError` if the store is unavailable, or if its reply was lost. Methods
 * that read a session, or put something into its inbox, reject with `LogTooNewError` if the session holds data that
 * is newer than this process reads (rule 14, versions). docs/architecture.md defines the rules by number.
 */
export interface SessionLog {
  /** Reports if this instance's leases count as live (rule 8, liveness). */
  readonly liveness: Liveness
  /**
   * Returns the newest log version that all live processes read, as far as this process knows (rule 14, versions).
   * Newer forms are not written, so that every live process can continue every session.
   */
  writableVersion(): number
  /** Resolves to the time of the clock that all processes of a store share, in milliseconds since the Unix epoch. */
  now(): Promise<number>

  /** Creates the session. If a session with this id exists, nothing changes. */
  createSession(session: NewSession): Promise<void>
  /**
   * Creates the session under an external id, unless the same principal has a session with the same agent under that
   * id. Of concurrent calls, in any processes, one creates the session. A removed session frees its external id, and a
   * revoked one keeps it.
   */
  openSession(session: NewSession, externalId: string): Promise<OpenedSession>
  /** Resolves to the session that `openSession` would open, without creating one. Null if there is none. */
  findSession(principal: Principal, agent: string, externalId: string): Promise<Session | null>
  session(sessionId: string): Promise<Session | null>
  run(sessionId: string, runId: string): Promise<Run | null>

  /** Returns the queued runs of the session, the next one first. Runs whose withdrawal was accepted are left out. */
  queuedRuns(sessionId: string): Promise<readonly QueuedRun[]>
  /** Returns the messages in the inbox, oldest first: of queued runs, and those that join the open run. */
  inboxMessages(sessionId: string): Promise<readonly InboxMessage[]>

  /**
   * Refuses the session's tokens from now on, puts a cancel of its open run, and withdraws its queued runs. Resolves
   * to true if the session exists. A second revocation changes nothing. `keepMs` replaces that of the session.
   */
  revokeSession(sessionId: string, at: number, options?: { readonly keepMs?: number }): Promise<boolean>

  /**
   * Makes the command durable (rule 1). A message becomes a queued run, joins the open run, or is refused, as its
   * `whenBusy` specifies. A cancel of a queued run withdraws it, so that no process opens it. A cancel of a run that
   * is already cancelled or withdrawn is accepted again. A withdrawn steering message is not logged by a later commit.
   */
  put(command: Exclude<PutCommand, TaskEndCommand>, limits?: StorageLimits): Promise<PutOutcome>
  /**
   * Puts a message and, in the same transaction, claims the session. The claim succeeds only if the message gives the
   * session due work, the session's agent is one of these, and no process holds the session. If the result has no
   * lease, nothing was claimed, and `claim` can report more.
   */
  putAndClaim(
    message: MessageCommand,
    agents: readonly string[],
    limits?: StorageLimits,
  ): Promise<PutAndClaimOutcome>
  /**
   * Puts answers in one transaction, and returns one outcome for each, in order. A refused answer does not prevent the
   * others. The transaction closes each wait by compare-and-set, so the first of two answers counts. If a cancel of its
   * run is pending, the run counts as ended (rule 12). The transaction also writes the audit records, and the grants if
   * there are any. `pending` returns either all accepted answers of a session or none, so that the run acts on them
   * together. A repeated call changes nothing: its outcomes for accepted answers are `answered`.
   */
  answerAll(commands: readonly AnswerCommand[]): Promise<readonly AnswerOutcome[]>

  /**
   * Claims the session for this process if the session's agent is one of these (rule 9) and no live process holds it
   * (rules 7 and 8). Does not claim a session whose open run is parked while no command is due. Raises the epoch of
   * the session.
   *
   * If this or any other claim rejects, it may have succeeded nevertheless. `held` reports it.
   */
  claim(sessionId: string, agents: readonly string[]): Promise<Lease | null>
  /**
   * Claims up to `limit` sessions of these agents that have work and no live owner (rule 9). Tenants take turns, and
   * so do the principals of a tenant: the least recently used session of each comes before the second session of
   * anyone. With `shares`, the sessions that this process already works on count as turns, and no tenant and no
   * principal receives more than its share.
   */
  claimRunnable(agents: readonly string[], limit: number, shares?: Shares): Promise<readonly Lease[]>
  /**
   * Returns all leases that this process holds according to the store. A caller that lost the reply to a claim or a
   * release compares them with its own state (rule 9, claiming).
   */
  held(): Promise<readonly Lease[]>
  /**
   * Returns commands that no commit has consumed, oldest first: the due ones (of the due messages only the next one),
   * and the steering messages of the open run. Returns none if the lease is lost.
   */
  pending(lease: Lease, options?: PendingOptions): Promise<readonly Command[]>
  /**
   * Releases the session. Resolves to `pending` without releasing it while a command is due and unconsumed (rule 9),
   * unless `force` is set. A stopping process uses `force` to leave its work to others without counting as a crash.
   * With `parkUntil`, an open run does not count as work until a command arrives or that time comes, in milliseconds
   * since the Unix epoch.
   */
  release(lease: Lease, options?: ReleaseOptions): Promise<"released" | "pending" | "lost">

  /**
   * Commits the batches in one transaction, each with its derived state. Returns one outcome for each batch, in
   * order:
   *
   * - `fenced`: the lease is lost (rule 7).
   * - `cancelled`: the batch ends a run that has a cancel which this batch does not consume (rule 12).
   * - `answered`: the batch expires a wait that was answered in the meantime.
   * - `steered`: the batch ends a run for which a steering message is pending that this batch does not consume, or it
   *   logs a steering message that was withdrawn.
   * - `withdrawn`: the batch opens a run that was withdrawn.
   * - `busy`: another transaction has locked the session. Commit the batch again later, on its own.
   *
   * If the outcome is not `ok`, nothing of the batch is stored. The end of a run withdraws its open waits, drops its
   * commands and makes the next queued message due. If the same batch is committed twice under its lease, both
   * outcomes are `ok`, and the batch is stored once, so a failed commit can be retried. Calls may overlap. Calls that
   * share a session are stored in their order, others in any order.
   */
  commit(batches: readonly SessionBatch[]): Promise<readonly CommitOutcome[]>

  /** Returns about `limit` entries after `afterSeq`, in order. The deltas of one stored row are not split. */
  read(sessionId: string, options: ReadOptions): Promise<readonly Entry[]>
  /** Returns the sequence number of the last `stepStarted` at or before `seq`; 0 if there is none. */
  stepStart(sessionId: string, seq: number): Promise<number>
  /** Returns the sequence number of the last `runStarted` at or before `seq`; 0 if there is none. */
  runStart(sessionId: string, seq: number): Promise<number>
  /** Returns the sequence number of the last `historyReplaced`, at or before `seq` if given; 0 if there is none. */
  historyStart(sessionId: string, seq?: number): Promise<number>
  /** Returns the sequence number of the last `historyCompacted`, at or before `seq` if given; 0 if there is none. */
  compactionStart(sessionId: string, seq?: number): Promise<number>
  /** Returns the sequence number of the oldest of the `newest` last `taskRegistered`; 0 if there are none. */
  taskStart(sessionId: string, newest: number): Promise<number>
  /** Returns the stored bytes of all sessions of the principal. */
  storedBytes(principal: Principal): Promise<number>

  /**
   * Yields whenever any process may have added entries to the session. It may yield too often, but never misses an
   * entry.
   */
  watch(sessionId: string, options: { readonly signal: AbortSignal }): AsyncIterable<void>
  /**
   * Yields ids of sessions that received a command from any process. This is only a hint: `claimRunnable` finds every
   * session.
   */
  arrivals(options: { readonly signal: AbortSignal }): AsyncIterable<string>

  /**
   * Drops deltas settled before `deltasSettledBefore` (rule 6). Drops sessions last used before `sessionsUsedBefore`
   * that have no open run, no command, no waiting outbox row, and no subscriber that has been behind since
   * `subscribersBehindBefore` or later. Drops sessions with `keepMs` in the same way, by `keptUntil`. Also drops the
   * other records for which limits are given. Times are in milliseconds since the Unix epoch, by the store's clock
   * (`now`).
   */
  prune(limits: PruneLimits): Promise<void>

  ping(): Promise<void>
}

/** The owner of a session: always the tenant and the user together. */
export interface Principal {
  readonly tenant: string
  readonly userId: string
}

export interface NewSession extends Principal {
  readonly id: string
  readonly agent: string
  readonly createdAt: number
  /** Default: none. */
  readonly parent?: SessionParent | null
  /** Id of the root of its tree. Default: its own id. */
  readonly rootId?: string
  /**
   * Milliseconds after its last use until `prune` drops it with its tree, if it has no work then. Default: it is kept
   * as long as other sessions.
   */
  readonly keepMs?: number
}

/** The session with an external id. */
export interface OpenedSession {
  readonly sessionId: string
  /** If true, this call created it. */
  readonly isNew: boolean
}

/** The call that started a session. */
export interface SessionParent {
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
}

export interface Session extends NewSession {
  /** The id that the client or the application gave it. Null if it has none. */
  readonly externalId: string | null
  readonly parent: SessionParent | null
  readonly rootId: string
  /** Number of sessions above it in its tree. */
  readonly depth: number
  readonly lastUsedAt: number
  /** Time from which its tokens are refused. Null while the session may be used. */
  readonly revokedAt: number | null
  /** Sequence number of the newest stored entry; 0 for an empty log. */
  readonly lastSeq: number
  /** Size of its stored events and queued messages as JSON. Deltas do not count, because they are dropped soon. */
  readonly storedBytes: number
  /** The open run: it was opened and has not ended. */
  readonly activeRun: Run | null
  /**
   * If true, a queued message waits only for the open run, or for a process to open it, or the withdrawal of a queued
   * message has still to be logged.
   */
  readonly hasDueWork: boolean
}

export interface Run {
  readonly id: string
  readonly sessionId: string
  /** Sequence number after which the entries of the run start. */
  readonly cursor: number
  readonly state: "queued" | "open" | "completed" | "interrupted" | "failed"
  /** Sequence number of the event that ended it. Null before that, and for runs that an older version ended. */
  readonly endSeq: number | null
}

export interface MessageCommand extends RunSettings {
  readonly type: "message"
  readonly sessionId: string
  /** The run that the message starts, if it is accepted. */
  readonly runId: string
  readonly at: number
  readonly input: MessageInput
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** JSON Schema of the output. Null if none was requested. */
  readonly outputSchema: JsonObject | null
  /** Limits of the run. Default: those of the agent. */
  readonly limits?: RunLimits
  /** Default: `reject`. */
  readonly whenBusy?: WhenBusy
  /** The run is not opened before this time, in milliseconds since the Unix epoch. Default: at once. */
  readonly notBefore?: number
  /**
   * The run that the message joins. The message never starts a run: if that run is not open, the message is dropped.
   * Default: none.
   */
  readonly joins?: string
  /**
   * The run whose place the message takes (rule 20, superseding). The put cancels the open run and withdraws all queued
   * runs, whatever `whenBusy` is. Default: none.
   */
  readonly supersede?: { readonly runId: string; readonly reason: "edit" | "retry" }
  /** Checked first: a message with the same key and hash resolves to the existing run. */
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null
}

/** Either one message in addition to the server's history, or the client's whole conversation (rule 13). */
export type MessageInput =
  | { readonly type: "message"; readonly content: readonly ContentPart[] }
  | { readonly type: "conversation"; readonly messages: readonly Message[] }

export interface CancelCommand {
  readonly type: "cancel"
  readonly sessionId: string
  /** Null means the open run or, if there is none, the queued run that is due next. */
  readonly runId: string | null
  readonly at: number
}

/** The answer to a wait. The caller has checked that edited input or a form is valid. The store checks the rest. */
export type AnswerCommand = AnswerFacts & AnyAnswer

interface AnswerFacts {
  readonly type: "answer"
  readonly sessionId: string
  readonly waitId: string
  readonly nonce: string
  readonly decidedBy: Decider
  /** Default: the answer belongs to no segment. */
  readonly segment?: Segment
  readonly at: number
}

/** An answer in the inbox, with the data of its wait. */
export type AcceptedAnswer = AnswerCommand & { readonly runId: string; readonly toolCallId: string }

/** A command from outside in the inbox of a session. `id` grows in the order of acceptance. */
export type Command = StoredCommand & { readonly id: number }

/** Every command except a message names an existing run. */
export type StoredCommand =
  | MessageCommand
  | SteerCommand
  | WithdrawCommand
  | TaskEndCommand
  | (CancelCommand & { readonly runId: string })
  | AcceptedAnswer

export type PutOutcome =
  | ({ readonly status: "accepted" } & PutRun)
  /** An earlier message had the same idempotency key and body. */
  | ({ readonly status: "duplicate" } & PutRun)
  /** The message joins the open run. */
  | { readonly status: "steered"; readonly runId: string; readonly cursor: number }
  /** An earlier message had the same idempotency key and another body. */
  | { readonly status: "keyReused" }
  /** The session has an open run, or a queued run that is due. */
  | { readonly status: "busy"; readonly runId: string }
  /** The session's inbox has the maximum number of messages. */
  | { readonly status: "queueFull" }
  /** The session, or all sessions of its principal, store too much to accept another message. */
  | { readonly status: "full"; readonly scope: "session" | "principal" }
  /** `revoked`: it takes no message. `unknown`: there is no such session, or there is nothing to cancel or withdraw. */
  | { readonly status: "revoked" | "unknown" }

/** Checked in this order: the wait exists, it is not answered, it has not ended, and the nonce is right. */
export type AnswerOutcome =
  | { readonly status: "accepted"; readonly runId: string }
  | { readonly status: "unknown" }
  | { readonly status: "answered" }
  /** The wait expired, or its run has ended or is cancelled. */
  | { readonly status: "expired" }
  | { readonly status: "wrongNonce" }

export interface Lease {
  readonly sessionId: string
  readonly epoch: number
  /** Number of processes in a row that died while they held this session (rule 10). A lapse does not count. */
  readonly takeovers: number
  /** The session's owner. */
  readonly principal: Principal
}

export interface SessionBatch {
  readonly lease: Lease
  /** The newest version in which its events and waits may be stored (rule 14). Default: the newest version. */
  readonly version?: number
  /** In order of their sequence numbers. */
  readonly entries: readonly Entry[]
  readonly commandsConsumed?: readonly number[]
  /** Ids of the steering messages that the entries log. They are among the consumed commands. */
  readonly messagesJoined?: readonly number[]
  /** Set with the run's first event. Its message is among the consumed commands. */
  readonly runOpened?: RunOpened
  /** Queued runs whose withdrawal these entries log. */
  readonly runsWithdrawn?: readonly string[]
  readonly waitsOpened?: readonly NewWait[]
  /** Ids of waits that end without an answer, because they expired or their call ended. */
  readonly waitsExpired?: readonly string[]
  /** Stored with the entries, of which there must be at least one event. */
  readonly outbox?: readonly OutboxItem[]
  /** Ids of the session's outbox items that are no longer needed. A command that is being delivered may remain. */
  readonly outboxDropped?: readonly string[]
  /** Set with the run's terminal event. */
  readonly runEnded?: { readonly runId: string; readonly state: "completed" | "interrupted" | "failed" }
  /** If true, a step became durable or the run ended, so takeovers count from 0 again. */
  readonly progress?: boolean
}

export type CommitOutcome = "ok" | "fenced" | "cancelled" | "answered" | "steered" | "withdrawn" | "busy"

export interface ReleaseOptions {
  readonly force?: boolean
  readonly parkUntil?: number
}
