import type { Message } from "../../core/history/messages.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { HistoryCompacted } from "../../core/log/compaction.ts"
import type { AppData, Decider, KeptOutput, LiveEntry, TerminalEvent } from "../../core/log/entries.ts"
import type {
  AuditFilter,
  AuditRecord,
  Grant,
  GrantRevocation,
  Wait,
  WaitFilter,
} from "../../core/ports/store/approvals.ts"
import type { InboxMessage, QueuedRun, WhenBusy } from "../../core/ports/store/inbox.ts"
import type {
  AnswerOutcome,
  MessageInput,
  Principal,
  PutOutcome,
  Run,
  Session,
} from "../../core/ports/store/session-log.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import type { QuestionAnswer } from "../../core/question.ts"
import type { RunLimits } from "../../core/runs/child.ts"
import type { RunSettings } from "../../core/runs/run-settings.ts"
import type { Spending } from "../../core/usage.ts"
import type { GrantScope, Segment } from "../../core/wait.ts"
import type { ViewEnd } from "./reading/view-end.ts"
import type { ListedTask } from "./tree/list-tasks.ts"
import type { TreeBatch } from "./tree/sub-agent.ts"

/** The operations on sessions for HTTP, headless runs and other code. */
export interface Sessions {
  /**
   * Creates a session with an agent. Default: the gateway's default agent. If a session with the given id exists,
   * nothing is created and that session is returned. It may have another owner.
   */
  create(principal: Principal, agent?: string, options?: SessionOptions): Promise<Session>
  /**
   * Opens the session that the principal has with the agent under an external id, or creates it. Of concurrent calls,
   * in any processes, one creates it. The session may have been revoked. The caller has checked the external id with
   * `findExternalIdProblem`. Default: the gateway's default agent. `isNew` is true if this call created the session.
   * The options are those of a new session.
   */
  open(
    principal: Principal,
    agent: string | undefined,
    externalId: string,
    options?: Pick<SessionOptions, "keepMs">,
  ): Promise<{ readonly session: Session; readonly isNew: boolean }>
  /** Resolves to the session that `open` would open, without creating one. Null if there is none. */
  find(principal: Principal, agent: string | undefined, externalId: string): Promise<Session | null>
  session(sessionId: string): Promise<Session | null>
  /** Accepts a message. When this resolves, the run that the message starts or joins is durable (rule 1). */
  start(request: StartRequest): Promise<PutOutcome>
  /**
   * Cancels the open run, or withdraws a queued one. Resolves to `accepted` after the cancel is durable. The cancel
   * then wins over a completion that is not published yet (rule 12), and over the start of a queued run. Without a
   * run id, this applies to the open run or, if there is none, the run that is due next.
   */
  cancel(sessionId: string, runId: string | null): Promise<PutOutcome>
  /**
   * Withdraws a steering message. Resolves to `accepted`, with the run that it waited for, if the message never joins
   * that run, and to `unknown` if it has joined the run or does not exist.
   */
  withdrawMessage(sessionId: string, messageId: number): Promise<PutOutcome>
  /**
   * Yields the session's stored entries in order, then live entries, in batches. With `replayFrom`, it starts at the
   * step or run that contains `afterSeq`, so that a wire format can silently fold the entries up to the cursor. With
   * `runId`, it yields only the entries of that run, up to its terminal event, and the withdrawal of a queued run
   * appears as such an event. Without `runId`, it ends when no run is open or due. Its iterator returns the reason for
   * the end. Only after `complete` has everything been shown: a view also ends when the process stops, and when this
   * process's hold on its sessions lapses (rule 8, liveness). The caller then requests the view again, if possible
   * from another process.
   *
   * Up-to-date viewers receive the same batch objects, so a rendering can be shared by identity. The caller reads
   * one batch at a time. `return` of the iterator also ends a view that waits for live entries.
   */
  view(sessionId: string, options: ViewOptions): AsyncIterable<readonly LiveEntry[], ViewEnd>
  /**
   * Yields the batches of `view` and, between them, the entries of the sub-agents that work for the session's calls,
   * at every depth. Sub-agents that work when the view starts are shown from their last turn, so that their open
   * state is shown again. Later ones are shown from their start. Of background
   * tasks, it yields the progress, the waits and the end. Ends as `view` does.
   */
  viewTree(sessionId: string, options: TreeViewOptions): AsyncIterable<TreeBatch, ViewEnd>
  /**
   * Yields the messages of the conversation in pieces, then its open state. It is read while the caller iterates, so a
   * long conversation is never in memory as a whole. Ends early when the signal aborts.
   */
  history(sessionId: string, query: HistoryQuery): AsyncIterable<HistoryPart>
  /**
   * Answers waits, of which several may belong to one run or to one tree. Resolves after the answers are durable, to
   * one outcome for each, in order. They are stored in one transaction, and each run logs its answers in one commit. A
   * refused answer does not prevent the others. If one of them is invalid, or if there are more than 100, none is
   * stored. Edited arguments that do not match the tool's schema are invalid, and so is a form that does not match its
   * schema, is missing, or was not requested. A form receives the defaults of its schema.
   */
  answerAll(answers: readonly GivenAnswer[]): Promise<readonly AnswerOutcome[] | InvalidAnswer>
  /** Answers one wait, as `answerAll` does. Of two answers, the first counts. */
  answer(given: GivenAnswer): Promise<AnswerOutcome | InvalidAnswer>
  /** Returns open waits, oldest first, of one session or of all. */
  openWaits(filter: Omit<WaitFilter, "now" | "limit">): Promise<readonly Wait[]>
  grants(sessionId: string): Promise<readonly Grant[]>
  revokeGrant(revocation: Omit<GrantRevocation, "at">): Promise<boolean>
  audit(filter: Omit<AuditFilter, "limit"> & { readonly limit?: number }): Promise<readonly AuditRecord[]>
  /** Returns the position of a queued run that must wait, from 1. Undefined for other runs. */
  position(sessionId: string, runId: string): Promise<number | undefined>
  /** Resolves to the run. Null if the session has no such run. */
  run(sessionId: string, runId: string): Promise<Run | null>
  /** Resolves to the run of the session that started last. Null if none has started. */
  newestRun(sessionId: string): Promise<Run | null>
  /** Resolves to the newest 200 background tasks of the session, oldest first. */
  tasks(sessionId: string, options: { readonly signal: AbortSignal }): Promise<readonly ListedTask[]>
  /**
   * Resolves to true while a background task of the session runs, and while a message with the end of one is on its
   * way.
   */
  hasTaskWork(sessionId: string, options: { readonly signal: AbortSignal }): Promise<boolean>
  /**
   * Revokes the session: refuses its tokens, cancels its open run, and withdraws its queued runs. With `keepMs`, it is
   * deleted at that time after its last use.
   */
  revoke(sessionId: string, options?: Pick<SessionOptions, "keepMs">): Promise<boolean>
  /** Waits for the run's end. */
  result(sessionId: string, runId: string, options: { readonly signal?: AbortSignal }): Promise<RunResult>
}

export interface SessionOptions {
  /** Default: a new id. */
  readonly id?: string
  /**
   * Milliseconds after its last use until it is deleted, unless it has work then. Housekeeping deletes it up to a
   * minute later. Default: it is kept for `sessionRetentionDays`.
   */
  readonly keepMs?: number
}

export interface StartRequest extends RunSettings {
  readonly sessionId: string
  /**
   * Id of the run that the message starts, in a form that no other message has. Default: a new id. With `idempotency`,
   * a repeated message has the same one.
   */
  readonly runId?: string
  /** The session's owner, whose storage is limited. Absent for the operator's own code, which has no limit. */
  readonly principal?: Principal
  /** Null only with `supersede`: the message of the superseded run is repeated. */
  readonly input: MessageInput | null
  /** The run of this session whose place the message takes (rule 20, superseding). Default: none. */
  readonly supersede?: { readonly runId: string }
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** JSON Schema of the output. Default: the output is text. */
  readonly outputSchema?: JsonObject
  /** Limits of the run, in addition to those of the agent. Default: none. */
  readonly runLimits?: RunLimits
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null
  /** Decides what happens to the message while the session is busy. Default: `reject`. */
  readonly whenBusy?: WhenBusy
  /**
   * The run that the message joins. The message never starts a run: the outcome is `busy` while that run is queued, and
   * `unknown` if it cannot be joined. Default: none.
   */
  readonly joins?: string
  /** The run is not opened before this time, in milliseconds since the Unix epoch. Default: at once. */
  readonly notBefore?: number
  /**
   * Returns the HTTP request, if there is one: for `buildChatRuntime`, if this very process starts the run at once.
   */
  readonly request?: () => Request
}

export interface ViewOptions {
  readonly afterSeq: number
  /**
   * Default: the view starts right after `afterSeq`. This is correct for a run's own cursor, because there is nothing
   * to fold before it.
   */
  readonly replayFrom?: "step" | "run" | undefined
  /** The run to show, up to its end. `afterSeq` is then before that end. */
  readonly runId?: string
  /**
   * If true, a lapse does not end the view: for subscribers in this process, which cannot reconnect elsewhere.
   * Default false.
   */
  readonly throughLapse?: boolean
  /** The session's owner, because readers take turns by principal. Default: the session takes turns for itself. */
  readonly principal?: Principal
  /**
   * If true, a view without `runId` ends once no background task of the session is running either. Default false.
   */
  readonly untilTasksEnd?: boolean
  /** If false, the store is not asked for deltas; live ones may be among the entries. Default true. */
  readonly deltas?: boolean
  readonly signal: AbortSignal
}

export interface TreeViewOptions extends ViewOptions {
  /** If true, the run was just accepted and has no sub-agents yet. Default false. */
  readonly isNewRun?: boolean
  /**
   * Maximum number of sub-agents shown at once. Further ones wait for a place. Default 32; with `untilParked` 1 000.
   */
  readonly maxSubAgents?: number
  /**
   * If set, the view ends as `parked` when the run, and every sub-agent that one of its calls waits for, can only wait
   * for people or for the client. A sleeping run is not parked. The view must show the turn from its start, or have
   * `replayFrom`. Default: the view goes on.
   */
  readonly untilParked?: UntilParked
}

export interface UntilParked {
  /**
   * If true, the view does not end while a background task works, or while a tool holds its execution open for an
   * answer, because the process could not stop without loss. Default false.
   */
  readonly released?: boolean
  /** Called before the waits are read the last time. Resolves when the viewer's own answers are stored. */
  readonly answersStored?: () => Promise<void>
}

/** A wait, by the call that clients know, and the person who answers it. */
export interface AnswerTarget {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly decidedBy: Decider
  /** The segment that starts with the answer. Default: the wire has no segments. */
  readonly segment?: Segment
}

/** An answer of any kind. */
export type GivenAnswer = Decision | ResultSubmission | QuestionResponse

export interface Decision extends AnswerTarget {
  readonly kind: "approval"
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly editedInput?: JsonObject
  /** Reason that the model receives on denial. */
  readonly reason?: string
  /** If true, grants the tool type for the rest of the session. */
  readonly allowToolType?: boolean
  /** The sessions that the grant applies to. Default: the session that asked. */
  readonly scope?: GrantScope
}

export interface ResultSubmission extends AnswerTarget {
  readonly kind: "clientTool"
  readonly result: ToolResult
}

/** An answer to a question. It has content only if the user accepted a form. */
export interface QuestionResponse extends AnswerTarget {
  readonly kind: "elicitation"
  readonly action: QuestionAnswer["action"]
  readonly content?: JsonObject
}

export interface InvalidAnswer {
  /** `forbidden`: only an operator may answer. */
  readonly status: "invalid" | "forbidden"
  /** Names each problem with its path. */
  readonly message: string
}

export interface HistoryQuery {
  /** Number of runs whose messages are read: the newest ones. Default: all. */
  readonly runs?: number | undefined
  /** Number of turns whose messages are read: the newest ones. The first run may then be incomplete. Default: all. */
  readonly turns?: number | undefined
  /**
   * Limits the history to messages before this event: the `before` of the page with later messages. Default: the
   * newest messages.
   */
  readonly before?: number | undefined
  readonly signal: AbortSignal
}

export type HistoryPart = HistoryMessages | HistoryEnd

export interface HistoryMessages {
  readonly type: "messages"
  readonly messages: readonly Message[]
  /** The place of each message, in the order of the messages. */
  readonly places: readonly MessagePlace[]
  /** Details of the calls whose results are in the messages, by call. */
  readonly calls: ReadonlyMap<string, CallDetails>
  /** Summaries and ends of runs, in their order. */
  readonly marks: readonly HistoryMark[]
}

/** The place of a message in the history of a session. */
export interface MessagePlace {
  /** The run that the message started. Null for other messages. */
  readonly runId: string | null
  /** If true, the message belongs to a run that was superseded (rule 20, superseding). */
  readonly isSuperseded: boolean
}

/** Facts about a call beside its result. The model has not received them. */
export interface CallDetails {
  /** Milliseconds from its first execution to its result. Null if it has none. */
  readonly durationMs: number | null
  /** The MCP server that executed it. */
  readonly server: string | null
  /** Data that it emitted. */
  readonly data: readonly AppData[]
  /** The end of its live output. */
  readonly output: readonly KeptOutput[]
  /** The sub-agents that it waited for. */
  readonly subAgents: readonly SubAgentName[]
}

export interface SubAgentName {
  readonly sessionId: string
  /** The name that people see: the role that its agent plays, or otherwise the agent. */
  readonly name: string
}

export type HistoryMark = PlacedCompaction | PlacedRunEnd

/** A place in the history at which a summary replaced the earlier messages for the model. */
export interface PlacedCompaction extends Pick<HistoryCompacted, "tokensBefore" | "tokensAfter"> {
  readonly type: "compaction"
  /** Number of the part's messages that precede the compaction. */
  readonly index: number
  /** Sequence number of the event. */
  readonly seq: number
  /** Characters of the summary. */
  readonly characters: number
}

/** The end of a run that did not complete. */
export interface PlacedRunEnd {
  readonly type: "runEnd"
  /** Number of the part's messages that precede the end. */
  readonly index: number
  readonly outcome: "interrupted" | "failed"
  /** Reason of the interruption, or code of the failure. */
  readonly reason: string | null
  /** Message of the failure. */
  readonly message: string | null
  /** The provider's own message, for operators. */
  readonly providerMessage: string | null
  /** Text that the application returned because the run reached its maximum number of turns. */
  readonly summary: string | null
}

/** Comes once, after all messages. */
export interface HistoryEnd {
  readonly type: "end"
  /** Usage and cost of all its runs. */
  readonly spent: Spending
  /** Open waits of the active run, of all kinds, with their nonces. */
  readonly openWaits: readonly Wait[]
  readonly activeRun: Run | null
  /** The queued runs, in the order in which they open. */
  readonly queuedRuns: readonly QueuedRun[]
  /** The messages of the queued runs, and those that join the active run at its next step. */
  readonly inboxMessages: readonly InboxMessage[]
  /** Background tasks that run, oldest first. */
  readonly runningTasks: readonly ListedTask[]
  /**
   * The cursor for a view that shows everything after the messages: the text, calls and results of an unfinished
   * step.
   */
  readonly lastSeq: number
  /** The event before which the next page of earlier messages ends. Null if there are no earlier messages. */
  readonly before: number | null
}

export interface RunResult {
  readonly runId: string
  readonly outcome: TerminalEvent
  /** The text of the run's last assistant message. */
  readonly response: string
  /** Texts of all the run's assistant messages, with a blank line between them. */
  readonly transcript: string
  readonly toolsUsed: readonly string[]
  /** Times of the run's first and last event, in milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly endedAt: number
}
