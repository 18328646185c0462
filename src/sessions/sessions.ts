import type { Entry, TerminalEvent } from "../core/entries.ts"
import type { JsonObject } from "../core/json.ts"
import type { Message } from "../core/messages.ts"
import type { MessageInput, PutOutcome, Run, Session } from "../core/ports/session-log.ts"

/** Everything that HTTP, headless runs and other code may do with sessions. */
export interface Sessions {
  create(principal: Principal): Promise<Session>
  session(sessionId: string): Promise<Session | null>
  /** Accepts a message; the run it starts is durable when this resolves (rule 1). */
  start(request: StartRequest): Promise<PutOutcome>
  /** Resolves `accepted` once the cancel is durable and will win over a completion not yet published (rule 12). */
  cancel(sessionId: string, runId: string | null): Promise<PutOutcome>
  /**
   * The session's entries in order, from the start of the step that `afterSeq` lies in (so that a wire format can be
   * folded silently up to it), then live, in batches. Ends after the terminal event of `runId`, or, without one,
   * after a terminal event once no run is open. Ends silently when aborted.
   *
   * Viewers that are up to date are given the very same batch objects: a rendering can be shared by identity.
   */
  view(sessionId: string, options: ViewOptions): AsyncIterable<readonly Entry[]>
  history(sessionId: string): Promise<History>
  /** Waits for the run's end. */
  result(sessionId: string, runId: string, options: { readonly signal?: AbortSignal }): Promise<RunResult>
}

/** Who a session belongs to: always the pair. */
export interface Principal {
  readonly tenant: string
  readonly userId: string
}

export interface StartRequest {
  readonly sessionId: string
  readonly input: MessageInput
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null
  /** The HTTP request, if there is one: handed to `buildChatRuntime` when this very process begins the run. */
  readonly request?: Request
}

export interface ViewOptions {
  readonly afterSeq: number
  readonly runId?: string
  readonly signal: AbortSignal
}

export interface History {
  readonly messages: readonly Message[]
  readonly activeRun: Run | null
  readonly lastSeq: number
}

export interface RunResult {
  readonly runId: string
  readonly outcome: TerminalEvent
  /** The text of the run's last assistant message. */
  readonly response: string
  readonly toolsUsed: readonly string[]
}
