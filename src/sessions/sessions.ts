import type { Decider, Entry, TerminalEvent } from "../core/entries.ts"
import type { JsonObject } from "../core/json.ts"
import type { Message } from "../core/messages.ts"
import type { AuditRecord, Grant, GrantRevocation, Wait } from "../core/ports/approvals.ts"
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
import type { Spending } from "../core/usage.ts"

/** Everything that HTTP, headless runs and other code may do with sessions. */
export interface Sessions {
  /** Starts a session with an agent. Default: the gateway's default agent. */
  create(principal: Principal, agent?: string): Promise<Session>
  session(sessionId: string): Promise<Session | null>
  /** Accepts a message; the run it starts is durable when this resolves (rule 1). */
  start(request: StartRequest): Promise<PutOutcome>
  /** Resolves `accepted` once the cancel is durable and will win over a completion not yet published (rule 12). */
  cancel(sessionId: string, runId: string | null): Promise<PutOutcome>
  /**
   * Yields the session's entries in order, then live, in batches. With `replayFrom` it begins at the start of the step or
   * run that `afterSeq` lies in, so that a wire format can be folded silently up to the cursor. Ends after the terminal
   * event of `runId`, or, without one, after a terminal event once no run is open. Ends silently when aborted, and when
   * this process's hold on its sessions lapses (rule 8, liveness): the caller then asks again, best of another process.
   *
   * Viewers that are up to date are given the very same batch objects: a rendering can be shared by identity.
   */
  view(sessionId: string, options: ViewOptions): AsyncIterable<readonly Entry[]>
  /**
   * The messages of the conversation in pages, then what is open in it. It is read while it is taken, so a long one is
   * never held whole. Ends early once the signal aborts.
   */
  history(sessionId: string, options: { readonly signal: AbortSignal }): AsyncIterable<HistoryPart>
  /**
   * Answers an open approval. Resolves once the answer is durable; of two answers the first counts. `misfit` is an edit
   * that the tool's schema refuses.
   */
  decide(decision: Decision): Promise<AnswerOutcome | Misfit>
  /** Gives the result of a client tool's call. */
  submitResult(submission: ResultSubmission): Promise<AnswerOutcome | Misfit>
  /**
   * Answers what a tool asks the user. `misfit` is a form that the question's schema refuses, its defaults filled in
   * before; one that is not there; or one where none was asked for.
   */
  respond(response: QuestionResponse): Promise<AnswerOutcome | Misfit>
  /** Open questions, oldest first; of one session or of all. */
  openWaits(filter: { readonly sessionId?: string; readonly kind?: Wait["kind"] }): Promise<readonly Wait[]>
  grants(sessionId: string): Promise<readonly Grant[]>
  revokeGrant(revocation: Omit<GrantRevocation, "at">): Promise<boolean>
  audit(filter: { readonly sessionId?: string; readonly limit?: number }): Promise<readonly AuditRecord[]>
  /** Ends the session for its holder: tokens are refused, an open run is cancelled. */
  revoke(sessionId: string): Promise<boolean>
  /** Waits for the run's end. */
  result(sessionId: string, runId: string, options: { readonly signal?: AbortSignal }): Promise<RunResult>
}

export interface StartRequest {
  readonly sessionId: string
  /** The session's owner, whose storage is limited. Absent for the operator's own code, which is not. */
  readonly principal?: Principal
  readonly input: MessageInput
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** JSON Schema that the answer must fit. Default: any text will do. */
  readonly outputSchema?: JsonObject
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null
  /** Makes the HTTP request, if there is one: for `buildChatRuntime`, when this very process begins the run. */
  readonly request?: () => Request
}

export interface ViewOptions {
  readonly afterSeq: number
  /** Default: the view begins right after `afterSeq`, as for a run's own cursor, before which nothing has to be folded. */
  readonly replayFrom?: "step" | "run" | undefined
  /** The run whose end ends the view; `afterSeq` then lies before that end. */
  readonly runId?: string
  /** If true, a lapse does not end the view: for subscribers in this process, which cannot go elsewhere. Default false. */
  readonly throughLapse?: boolean
  /** The session's owner: those who read take turns. Default: the session takes turns for itself. */
  readonly principal?: Principal
  readonly signal: AbortSignal
}

export interface Decision {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly editedInput?: JsonObject
  /** Told to the model on denial. */
  readonly reason?: string
  /** Grants the tool type for the rest of the session. */
  readonly grant?: boolean
  readonly decidedBy: Decider
}

export interface ResultSubmission {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly result: ToolResult
  readonly decidedBy: Decider
}

/** Nothing is said of the content unless a form was accepted. */
export interface QuestionResponse {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly action: QuestionAnswer["action"]
  readonly content?: JsonObject
  readonly decidedBy: Decider
}

export interface Misfit {
  readonly status: "misfit"
  /** Names each misfit by its path. */
  readonly message: string
}

export type HistoryPart = HistoryMessages | HistoryEnd

export interface HistoryMessages {
  readonly type: "messages"
  readonly messages: readonly Message[]
}

/** Comes once, after all messages. */
export interface HistoryEnd {
  readonly type: "end"
  /** Of all its runs. */
  readonly spent: Spending
  /** Open waits of the active run, of all kinds, with their nonces. */
  readonly openWaits: readonly Wait[]
  readonly activeRun: Run | null
  /** A view from here shows all that is not in the messages: the text, calls and results of a step that is not over. */
  readonly lastSeq: number
}

export interface RunResult {
  readonly runId: string
  readonly outcome: TerminalEvent
  /** The text of the run's last assistant message. */
  readonly response: string
  readonly toolsUsed: readonly string[]
}
