import type { RunLimits } from "../child.ts"
import type { JsonObject } from "../json/json.ts"
import type { Decider, Entry } from "../log/entries.ts"
import type { ContentPart, Message } from "../messages.ts"
import type { RunSettings } from "../run-settings.ts"
import type { ToolOrigin } from "../tool-origin.ts"
import type { AnyAnswer, AnyPayload } from "../wait.ts"
import type {
  PendingOptions,
  PutAndClaimOutcome,
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
import type { Shares } from "./shares.ts"

/**
 * The store of sessions: their log, their inbox and their leases. One instance is one process's membership; its
 * leases count as live until it is closed or its process ends.
 *
 * Every method rejects with `StoreUnavailableError` when the store cannot do it now, or when its reply was lost.
 * Methods that read a session, or put something into its inbox, reject with `LogTooNewError` if it holds something
 * that is newer than this process reads (rule 14, versions). The rules by number are those of docs/architecture.md.
 */
export interface SessionLog {
  /** Tells if this instance's leases count as live (rule 8, liveness). */
  readonly liveness: Liveness
  /**
   * Returns the newest log version that all live processes read, as far as this process knows (rule 14, versions).
   * Newer forms are not written, so that every live process can go on with every session.
   */
  writableVersion(): number
  /**
   * The store's clock, in milliseconds since the Unix epoch. All processes that share a store get the time of one
   * clock, whatever their own clocks say.
   */
  now(): Promise<number>

  /** Creates the session. If there is one with this id, nothing changes. */
  createSession(session: NewSession): Promise<void>
  session(sessionId: string): Promise<Session | null>
  run(sessionId: string, runId: string): Promise<Run | null>

  /** Queued runs of the session, the next one first. A run whose withdrawal was accepted is not among them. */
  queuedRuns(sessionId: string): Promise<readonly QueuedRun[]>

  /**
   * Refuses the session's tokens from now on, puts a cancel of its open run, and withdraws its queued runs. Resolves to
   * true if the session exists. Revoking again changes nothing.
   */
  revokeSession(sessionId: string, at: number): Promise<boolean>

  /**
   * Makes the command durable (rule 1). A message becomes a queued run, or joins the open run, or is refused, as its
   * `whenBusy` says. A cancel of a queued run withdraws it, so that no process takes it any more. A cancel of a run
   * that is already cancelled or withdrawn is accepted again.
   */
  put(command: MessageCommand | CancelCommand, limits?: StorageLimits): Promise<PutOutcome>
  /**
   * Puts a message and, in the same transaction, claims the session if the message gives it work that is due, the
   * session's agent is one of these and no process at all has it. Without a lease nothing is claimed, and `claim` can
   * tell more.
   */
  putAndClaim(
    message: MessageCommand,
    agents: readonly string[],
    limits?: StorageLimits,
  ): Promise<PutAndClaimOutcome>
  /**
   * The same for an answer, which closes its wait in that transaction, by compare-and-set: of two answers the first
   * counts. A cancel that waits for that run is the run's end already (rule 12). Writes the audit record, and the grant
   * if one is given.
   */
  answer(command: AnswerCommand): Promise<AnswerOutcome>

  /**
   * Takes the session for this process, only if the session's agent is one of these (rule 9) and no live process
   * has it (rules 7 and 8). Leaves a session alone whose open run is parked while no command is due. Raises its epoch.
   *
   * If this or any other claim rejects, it may have happened all the same: `held` tells.
   */
  claim(sessionId: string, agents: readonly string[]): Promise<Lease | null>
  /**
   * Claims up to `limit` sessions of these agents that have work and no live owner (rule 9). Tenants take turns, and
   * so do the principals of a tenant: each one's session that was used least recently comes before anyone's second
   * one. With `shares`, the sessions that this process works on already count as turns, and no tenant and no
   * principal is given more than its share.
   */
  claimRunnable(agents: readonly string[], limit: number, shares?: Shares): Promise<readonly Lease[]>
  /**
   * Returns all leases that this process holds according to the store. A caller that lost the reply to a claim, or to a
   * release, compares this with what it knows (rule 9, claiming).
   */
  held(): Promise<readonly Lease[]>
  /**
   * Returns commands that no commit has consumed, oldest first: those that are due, of the due messages only the next
   * one, and the steering messages of the open run. Returns none if the lease is lost.
   */
  pending(lease: Lease, options?: PendingOptions): Promise<readonly Command[]>
  /**
   * Gives the session back. Refused as `pending` while a command is due and unconsumed (rule 9), unless `force`:
   * a stopping process leaves its work to others without it counting as a crash. With `parkUntil` an open run does not
   * count as work until a command arrives or that time comes, in milliseconds since the Unix epoch.
   */
  release(lease: Lease, options?: ReleaseOptions): Promise<"released" | "pending" | "lost">

  /**
   * Commits the batches in one transaction, each with its derived state. An outcome a batch, in order: `fenced` when
   * its lease is lost (rule 7), `cancelled` when it would end a run that has an unconsumed cancel which this batch
   * does not consume (rule 12), `answered` when it would expire a wait that was answered in the meantime, `steered`
   * when it would end a run for which a steering message is pending that this batch does not consume, `withdrawn`
   * when it would open a run that was withdrawn, `busy` when another transaction works on the session at this moment:
   * commit that batch again later, on its own. Nothing of such a batch is stored. The end of a run withdraws its open
   * waits, drops its commands and makes the next queued message due. The same batch committed twice under its lease
   * is `ok` and stored once: a commit that failed may be tried again. Calls may overlap: those that share a session
   * are stored in the order of the calls, others in any order.
   */
  commit(batches: readonly SessionBatch[]): Promise<readonly CommitOutcome[]>

  /** Entries after `afterSeq`, in order, at most about `limit` (deltas of one stored row are not split). */
  read(sessionId: string, options: ReadOptions): Promise<readonly Entry[]>
  /** Sequence number of the last `stepStarted` at or before `seq`; 0 if there is none. */
  stepStart(sessionId: string, seq: number): Promise<number>
  /** Sequence number of the last `runStarted` at or before `seq`; 0 if there is none. */
  runStart(sessionId: string, seq: number): Promise<number>
  /** Sequence number of the last `historyReplaced`, before which no fold needs anything; 0 if there is none. */
  historyStart(sessionId: string): Promise<number>
  /** Sequence number of the last `historyCompacted`; 0 if there is none. */
  compactionStart(sessionId: string): Promise<number>
  /**
   * Sequence number of the `taskRegistered` that has `newer` newer ones in its session; 0 if there are not as many.
   */
  taskStart(sessionId: string, newer: number): Promise<number>
  /** Stored size in bytes of all sessions of the principal. */
  storedBytes(principal: Principal): Promise<number>

  /**
   * Yields whenever the session may have new entries, whoever wrote them. May yield once too often, never too seldom.
   */
  watch(sessionId: string, options: { readonly signal: AbortSignal }): AsyncIterable<void>
  /** Yields ids of sessions that were put a command, by any process. A hint: `claimRunnable` misses nothing. */
  arrivals(options: { readonly signal: AbortSignal }): AsyncIterable<string>

  /**
   * Drops deltas settled before `deltasSettledBefore` (rule 6), and sessions last used before `sessionsUsedBefore`
   * that have no open run, no command, no waiting outbox row, and no subscriber that has been behind since
   * `subscribersBehindBefore` or later. Also drops what limits are given for besides. Times in milliseconds since the
   * Unix epoch, by the store's clock (`now`).
   */
  prune(limits: PruneLimits): Promise<void>

  ping(): Promise<void>
}

/** The owner of a session: always the pair. */
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
}

/** The call that started a session. */
export interface SessionParent {
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
}

export interface Session extends NewSession {
  readonly parent: SessionParent | null
  readonly rootId: string
  /** Number of sessions above it in its tree. */
  readonly depth: number
  readonly lastUsedAt: number
  /** Since when its tokens are refused; null while it may be used. */
  readonly revokedAt: number | null
  /** Sequence number of the newest stored entry; 0 for an empty log. */
  readonly lastSeq: number
  /** Size of its stored events and of its queued messages as JSON; deltas, which are dropped soon, do not count. */
  readonly storedBytes: number
  /** The run that was opened and has not ended. */
  readonly activeRun: Run | null
  /** If true, a queued message waits for nothing but the open run, or for a process to take it. */
  readonly hasDueMessage: boolean
}

export interface Run {
  readonly id: string
  readonly sessionId: string
  /** Sequence number after which the entries of the run start. */
  readonly cursor: number
  readonly state: "queued" | "open" | "completed" | "interrupted" | "failed"
  /** Sequence number of the event that ended it; null before that, and for runs that an older version ended. */
  readonly endSeq: number | null
}

export interface MessageCommand extends RunSettings {
  readonly type: "message"
  readonly sessionId: string
  /** The run it starts, if accepted. */
  readonly runId: string
  readonly at: number
  readonly input: MessageInput
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** JSON Schema of the answer, where one is asked for. */
  readonly outputSchema: JsonObject | null
  /** Limits of the run. Default: those of the agent. */
  readonly limits?: RunLimits
  /** Default: `reject`. */
  readonly whenBusy?: WhenBusy
  /** The run is not opened before this time, in milliseconds since the Unix epoch. Default: at once. */
  readonly notBefore?: number
  /** The run that the message joins. It starts no run of its own: without that run it is dropped. Default: none. */
  readonly joins?: string
  /** Looked at before anything else: the same key and hash give the run that exists. */
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null
}

/** Bounds for a new message, looked at after its idempotency key and after an open run. */
export interface StorageLimits {
  /** A session that stores so many bytes takes no further message. */
  readonly sessionBytes: number
  /** If true, the session's principal has used up its storage. */
  readonly principalIsFull: boolean
}

/** Either one message on top of the server's history, or the client's whole conversation (rule 13). */
export type MessageInput =
  | { readonly type: "message"; readonly content: readonly ContentPart[] }
  | { readonly type: "conversation"; readonly messages: readonly Message[] }

export interface CancelCommand {
  readonly type: "cancel"
  readonly sessionId: string
  /** Null means the open run or, without one, the queued run that is due next. */
  readonly runId: string | null
  readonly at: number
}

/** The answer to a wait. The caller has checked that an edit or a form fits; the store checks the rest. */
export type AnswerCommand = AnswerFacts & AnyAnswer

interface AnswerFacts {
  readonly type: "answer"
  readonly sessionId: string
  readonly waitId: string
  readonly nonce: string
  readonly decidedBy: Decider
  readonly at: number
}

/** An answer in the inbox, with what its wait knows of itself. */
export type AcceptedAnswer = AnswerCommand & { readonly runId: string; readonly toolCallId: string }

/** Something that reached a session from outside, in its inbox. `id` grows in the order of acceptance. */
export type Command = StoredCommand & { readonly id: number }

/** Every command but a message names a run that exists. */
export type StoredCommand =
  | MessageCommand
  | SteerCommand
  | WithdrawCommand
  | TaskEndCommand
  | (CancelCommand & { readonly runId: string })
  | AcceptedAnswer

export type PutOutcome =
  | ({ readonly status: "accepted" } & PutRun)
  /** The same idempotency key and body came before. */
  | ({ readonly status: "duplicate" } & PutRun)
  /** The message joins the open run. */
  | { readonly status: "steered"; readonly runId: string; readonly cursor: number }
  /** The same idempotency key came before with another body. */
  | { readonly status: "keyReused" }
  /** A run is open already, or queued and due. */
  | { readonly status: "busy"; readonly runId: string }
  /** As many messages as may wait in one session's inbox wait already. */
  | { readonly status: "queueFull" }
  /** The session, or all sessions of its principal, store too much for another message. */
  | { readonly status: "full"; readonly scope: "session" | "principal" }
  /** No such session, or nothing to cancel. */
  | { readonly status: "unknown" }

/** Looked at in this order: is there such a wait, was it answered, is it over, is the nonce right. */
export type AnswerOutcome =
  | { readonly status: "accepted"; readonly runId: string }
  | { readonly status: "unknown" }
  | { readonly status: "answered" }
  /** Its time is over, or its run has ended or is cancelled. */
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

export interface PruneLimits {
  readonly deltasSettledBefore: number
  readonly sessionsUsedBefore: number
  /** Default: sessions wait for no subscriber. */
  readonly subscribersBehindBefore?: number
  /** Subscriptions that were registered last before this time are forgotten with their cursors. Default: none. */
  readonly subscribersSeenBefore?: number
  /** Outbox rows that died before this time are dropped. Default: none. */
  readonly outboxDiedBefore?: number
}

export interface SessionBatch {
  readonly lease: Lease
  /**
   * The newest version in which its events and waits may be stored (rule 14, versions). Default: the newest there is.
   */
  readonly version?: number
  /** In order of their sequence numbers. */
  readonly entries: readonly Entry[]
  readonly commandsConsumed?: readonly number[]
  /** Set with the run's first event. Its message is among the consumed commands. */
  readonly runOpened?: RunOpened
  /** Queued runs whose withdrawal these entries log. */
  readonly runsWithdrawn?: readonly string[]
  readonly waitsOpened?: readonly NewWait[]
  /** Ids of waits that end without an answer, because they expired or their call ended. */
  readonly waitsExpired?: readonly string[]
  /** Stored with the entries, of which there must be at least one event. */
  readonly outbox?: readonly OutboxItem[]
  /** Set with the run's terminal event. */
  readonly runEnded?: { readonly runId: string; readonly state: "completed" | "interrupted" | "failed" }
  /** A durable step was made, or the run ended: takeovers count from 0 again. */
  readonly progress?: boolean
}

export type CommitOutcome = "ok" | "fenced" | "cancelled" | "answered" | "steered" | "withdrawn" | "busy"

export interface ReleaseOptions {
  readonly force?: boolean
  readonly parkUntil?: number
}

/** An open request of a run to the outside. */
export type NewWait = WaitFacts & AnyPayload

interface WaitFacts {
  readonly waitId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  /** The tool that an answer is meant for; null for a local tool, and for a runner's. */
  readonly origin: ToolOrigin | null
  /**
   * JSON Schema of what a person may send with an answer: edited arguments, or a form. Stored, so that any process can
   * refuse an answer that does not fit. Null if there is nothing to fill in.
   */
  readonly answerSchema: JsonObject | null
  readonly nonce: string
  readonly openedAt: number
  readonly expiresAt: number
  /** The session whose token may answer it: the root of the tree that the run's session belongs to. */
  readonly rootSessionId: string
}

export interface ReadOptions {
  readonly afterSeq: number
  readonly limit: number
  /**
   * Maximum characters of a page as JSON: the page ends with the entries of the stored row that reaches them.
   * Default: no bound.
   */
  readonly maxCharacters?: number
  /** Default true. */
  readonly deltas?: boolean
  /** If false, `historyReplaced` events are left out: they may be large, and no viewer is shown them. Default true. */
  readonly replacedHistories?: boolean
  /**
   * If true, only the events of background tasks are read, whatever the other options say. Their number decides over
   * the cost, and not the size of the log. Default false.
   */
  readonly tasksOnly?: boolean
}
