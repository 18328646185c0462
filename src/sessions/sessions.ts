import type { RunLimits } from "../core/child.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { AppData, Decider, LiveEntry, TerminalEvent } from "../core/log/entries.ts"
import type { Message } from "../core/messages.ts"
import type { AuditRecord, Grant, GrantRevocation, Wait } from "../core/ports/approvals.ts"
import type { QueuedRun, WhenBusy } from "../core/ports/inbox.ts"
import type {
  AnswerOutcome,
  MessageInput,
  Principal,
  PutOutcome,
  Run,
  Session,
} from "../core/ports/session-log.ts"
import type { ToolResult } from "../core/ports/tool.ts"
import type { QuestionAnswer } from "../core/question.ts"
import type { RunSettings } from "../core/run-settings.ts"
import type { Spending } from "../core/usage.ts"
import type { GrantScope } from "../core/wait.ts"
import type { ListedTask } from "./tree/list-tasks.ts"
import type { TreeBatch } from "./tree/sub-agent.ts"

/** Everything that HTTP, headless runs and other code may do with sessions. */
export interface Sessions {
  /**
   * Starts a session with an agent. Default: the gateway's default agent, and a new id. If there is a session with
   * the given id, nothing is started and that session is returned, whoever owns it.
   */
  create(principal: Principal, agent?: string, id?: string): Promise<Session>
  session(sessionId: string): Promise<Session | null>
  /** Accepts a message; the run that it starts, or joins, is durable when this resolves (rule 1). */
  start(request: StartRequest): Promise<PutOutcome>
  /**
   * Cancels the open run, or withdraws a queued one. Resolves `accepted` once that is durable: it then wins over a
   * completion not yet published (rule 12), and over taking the run. Without a run id, the open run or else the one
   * that is due next.
   */
  cancel(sessionId: string, runId: string | null): Promise<PutOutcome>
  /**
   * Yields the session's entries in order, then live, in batches. With `replayFrom` it begins at the start of the
   * step or run that `afterSeq` lies in, so that a wire format can be folded silently up to the cursor. With `runId`,
   * yields the entries of that run alone, up to its terminal event; the withdrawal of a queued run is shown as one.
   * Without it, ends once no run is open or due. Ends silently when aborted, and when this process's hold on its
   * sessions lapses (rule 8, liveness): the caller then asks again, best of another process.
   *
   * Viewers that are up to date are given the very same batch objects: a rendering can be shared by identity.
   */
  view(sessionId: string, options: ViewOptions): AsyncIterable<readonly LiveEntry[]>
  /**
   * Yields what `view` does and, between those batches, the entries of the sub-agents that work for the session's
   * calls, at every depth. Sub-agents that work when the view begins are shown from their last turn on, so that what
   * is open in them is shown again; later ones are shown from their start. Of background tasks, it yields the progress,
   * the waits and the end: whoever wants their text follows their own sessions. Ends as `view` does.
   */
  viewTree(sessionId: string, options: TreeViewOptions): AsyncIterable<TreeBatch>
  /**
   * The messages of the conversation in pages, then what is open in it. It is read while it is taken, so a long one is
   * never held whole. Ends early once the signal aborts.
   */
  history(sessionId: string, options: { readonly signal: AbortSignal }): AsyncIterable<HistoryPart>
  /**
   * Answers an open approval. Resolves once the answer is durable; of two answers the first counts. Returns an invalid
   * answer if the tool's schema refuses the edited arguments.
   */
  decide(decision: Decision): Promise<AnswerOutcome | InvalidAnswer>
  /** Gives the result of a client tool's call. */
  submitResult(submission: ResultSubmission): Promise<AnswerOutcome | InvalidAnswer>
  /**
   * Answers what a tool asks the user. Returns an invalid answer if the question's schema refuses the form, with its
   * defaults filled in, if the form is missing, or if none was asked for.
   */
  respond(response: QuestionResponse): Promise<AnswerOutcome | InvalidAnswer>
  /** Open questions, oldest first; of one session or of all. */
  openWaits(filter: { readonly sessionId?: string; readonly kind?: Wait["kind"] }): Promise<readonly Wait[]>
  grants(sessionId: string): Promise<readonly Grant[]>
  revokeGrant(revocation: Omit<GrantRevocation, "at">): Promise<boolean>
  audit(filter: { readonly sessionId?: string; readonly limit?: number }): Promise<readonly AuditRecord[]>
  /** Returns the place of a queued run that has to wait, from 1; undefined for any other run. */
  position(sessionId: string, runId: string): Promise<number | undefined>
  /** Returns null if the session has no such run. */
  run(sessionId: string, runId: string): Promise<Run | null>
  /** The newest 200 background tasks of the session, oldest first. */
  tasks(sessionId: string, options: { readonly signal: AbortSignal }): Promise<readonly ListedTask[]>
  /**
   * Resolves to true while a background task of the session runs, and while a message with the end of one is on its way.
   */
  hasTaskWork(sessionId: string, options: { readonly signal: AbortSignal }): Promise<boolean>
  /** Ends the session for its holder: tokens are refused, its open run is cancelled, its queued runs are withdrawn. */
  revoke(sessionId: string): Promise<boolean>
  /** Waits for the run's end. */
  result(sessionId: string, runId: string, options: { readonly signal?: AbortSignal }): Promise<RunResult>
}

export interface StartRequest extends RunSettings {
  readonly sessionId: string
  /** The session's owner, whose storage is limited. Absent for the operator's own code, which is not. */
  readonly principal?: Principal
  readonly input: MessageInput
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** JSON Schema that the answer must fit. Default: any text will do. */
  readonly outputSchema?: JsonObject
  /** Limits of the run, besides those of the agent. Default: none. */
  readonly runLimits?: RunLimits
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null
  /** Decides over the message while the session is busy. Default: `reject`. */
  readonly whenBusy?: WhenBusy
  /** The run is not opened before this time, in milliseconds since the Unix epoch. Default: at once. */
  readonly notBefore?: number
  /** Makes the HTTP request, if there is one: for `buildChatRuntime`, when this very process begins the run at once. */
  readonly request?: () => Request
}

export interface ViewOptions {
  readonly afterSeq: number
  /**
   * Default: the view begins right after `afterSeq`, as for a run's own cursor, before which nothing has to be
   * folded.
   */
  readonly replayFrom?: "step" | "run" | undefined
  /** The run that is shown, up to its end; `afterSeq` then lies before that end. */
  readonly runId?: string
  /**
   * If true, a lapse does not end the view: for subscribers in this process, which cannot go elsewhere. Default
   * false.
   */
  readonly throughLapse?: boolean
  /** The session's owner: those who read take turns. Default: the session takes turns for itself. */
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
  /** If true, the run was accepted just now and has no sub-agents yet. Default false. */
  readonly isNewRun?: boolean
  /** Sub-agents that are shown at once; further ones wait for their place. Default 32. */
  readonly maxSubAgents?: number
}

export interface Decision {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly editedInput?: JsonObject
  /** Reason that the model receives on denial. */
  readonly reason?: string
  /** Grants the tool type for the rest of the session. */
  readonly allowToolType?: boolean
  /** The sessions that the grant holds for. Default: the one that asked. */
  readonly scope?: GrantScope
  readonly decidedBy: Decider
}

export interface ResultSubmission {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly result: ToolResult
  readonly decidedBy: Decider
}

/** An answer to a question. It has no content unless a form was accepted. */
export interface QuestionResponse {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly action: QuestionAnswer["action"]
  readonly content?: JsonObject
  readonly decidedBy: Decider
}

export interface InvalidAnswer {
  readonly status: "invalid"
  /** Names each problem by its path. */
  readonly message: string
}

export type HistoryPart = HistoryMessages | HistoryEnd

export interface HistoryMessages {
  readonly type: "messages"
  readonly messages: readonly Message[]
  /** Data that the calls with results among the messages have emitted, by call. */
  readonly data: ReadonlyMap<string, readonly AppData[]>
}

/** Comes once, after all messages. */
export interface HistoryEnd {
  readonly type: "end"
  /** Usage and cost of all its runs. */
  readonly spent: Spending
  /** Open waits of the active run, of all kinds, with their nonces. */
  readonly openWaits: readonly Wait[]
  readonly activeRun: Run | null
  /** In the order in which they are taken. */
  readonly queuedRuns: readonly QueuedRun[]
  /** A view from here shows all that is not in the messages: the text, calls and results of a step that is not over. */
  readonly lastSeq: number
}

export interface RunResult {
  readonly runId: string
  readonly outcome: TerminalEvent
  /** The text of the run's last assistant message. */
  readonly response: string
  readonly toolsUsed: readonly string[]
  /** Times of the run's first and last event, in milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly endedAt: number
}
