import type { AssistantMessage } from "../history/messages.ts"
import type { JsonObject } from "../json/json.ts"
import type { Decider, EventEntry, ToolCallInterrupted } from "../log/entries.ts"
import type { Cost, Usage } from "../usage.ts"
import type { WaitKind } from "../wait.ts"
import type { CallRecord } from "./model/call-record.ts"
import type { ModelRequest, StopReason } from "./model/provider.ts"
import type { SessionParent } from "./store/session-log.ts"
import type { ToolResult } from "./tools/tool.ts"

/**
 * Functions that measure what this process does, such as for metrics and traces. An observer has those that it needs.
 *
 * They are called synchronously and must return at once: a slow one delays everything else in the process, and is
 * logged. None is called per token. They change nothing. An observer that throws, or whose promise rejects, is logged
 * once and not called again.
 *
 * A fact of the log is measured once, by the process that stored it, after its commit. A crash loses the call. To
 * receive each event at least once, use a plugin's `subscriber` or the gateway's hooks.
 */
export interface Observer {
  /**
   * This process starts to execute a run: a new one, one that waited, or one that another process left. For a new run,
   * nothing is stored yet.
   */
  onExecutionStarted(execution: StartedExecution): void
  onExecutionEnded(end: EndedExecution): void
  /** A message became a run. A run that another process continues is not opened again. */
  onRunOpened(run: OpenedRun): void
  onRunEnded(end: EndedRun): void
  onTurnStarted(turn: Turn): void
  /** The turn's response and all its tool results are stored. The last turn of a run may end with its run instead. */
  onTurnEnded(end: EndedTurn): void
  /** A request goes out to a model. */
  onAttemptSent(attempt: SentAttempt): void
  /** The first text, thinking or tool input of a response has arrived. Not called for a response in one piece. */
  onFirstToken(attempt: StreamingAttempt): void
  /**
   * The outcome of a model attempt is stored. If its process died, the process that continues the run calls this,
   * without times. A runner reports attempts that were not sent by the gateway in the same way.
   */
  onAttemptEnded(end: EndedAttempt): void
  /** Called before each execution of the call. */
  onToolCallStarted(call: ToolCallFacts): void
  onToolCallEnded(end: EndedToolCall): void
  onWaitOpened(wait: OpenedWait): void
  onWaitResolved(wait: ResolvedWait): void
  /** Called with each event that a run stores, before the functions above that measure the same event. */
  onEventStored(event: StoredEvent): void
  /** A transaction with entries of one or more sessions has ended. */
  onCommit(commit: CommitFacts): void
  /** A client follows a session. */
  onStreamOpened(stream: StreamFacts): void
  onStreamClosed(stream: ClosedStream): void
  /** This process starts to work on a session. */
  onLeaseTaken(lease: LeaseFacts): void
  onLeaseEnded(lease: EndedLease): void
  /** An attempt to deliver an outbox item starts. */
  onDeliveryStarted(delivery: DeliveryFacts): void
  /** The attempt has ended. An item that was delivered, or is dead, is measured below too. */
  onDeliveryEnded(end: EndedDelivery): void
  /** A handler delivered an outbox item. */
  onItemDelivered(item: ItemFacts): void
  /** An outbox item is not tried again. */
  onItemDead(item: DeadItem): void
}

/** The session of a fact. */
export interface SessionFacts {
  readonly tenant: string
  readonly userId: string
  readonly agent: string
  readonly sessionId: string
}

/** The run of a fact. */
export interface RunFacts extends SessionFacts {
  readonly runId: string
  /** The `traceparent` of the request that started the run. Null if there was none. */
  readonly traceparent: string | null
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

export interface StartedExecution extends RunFacts {
  /** The `traceparent` of the span of the run's first execution. Null for a new run, and without traces. */
  readonly firstSpan: string | null
}

export interface EndedExecution extends RunFacts {
  /** `left`: the run stays open for another process, such as after a lost lease, or it was withdrawn. */
  readonly outcome: "ended" | "waiting" | "left"
}

export interface OpenedRun extends RunFacts {
  /** The call that started the session. Null if the session is no sub-agent's. */
  readonly parent: SessionParent | null
}

export interface EndedRun extends RunFacts {
  /** Id of the event. It is the same in the gateway's hooks. */
  readonly id: string
  readonly outcome: "completed" | "interrupted" | "failed"
  /** Reason of an interruption, such as `cancelled`. Otherwise null. */
  readonly reason: string | null
  /** Code and message of a failure. Otherwise null. */
  readonly error: { readonly code: string; readonly message: string } | null
  /** Milliseconds since the run was opened, including its waits. */
  readonly durationMs: number
  /** Number of turns that the run started. */
  readonly turns: number
  /** Tokens of all model calls, including failed ones. */
  readonly usage: Usage
  readonly cost: Cost
}

export interface Turn extends RunFacts {
  readonly stepId: string
  /** Counts the turns of the run from 1. */
  readonly turn: number
}

export interface EndedTurn extends Turn {
  readonly usage: Usage
  readonly cost: Cost
}

export interface ModelAttemptFacts extends RunFacts {
  /** Id of the turn or, for a summary of older messages, of the compaction. */
  readonly stepId: string
  readonly purpose: "response" | "summary"
  /** Counts the attempts of the turn from 1. */
  readonly attempt: number
  readonly provider: string
  readonly model: string
}

export interface SentAttempt extends ModelAttemptFacts {
  readonly request: ModelRequest
  /** Asks for the record of the ended attempt. An observer can call this only before it returns. */
  record(): void
}

export interface StreamingAttempt extends ModelAttemptFacts {
  /** Milliseconds since the request was sent. */
  readonly afterMs: number
}

export interface EndedAttempt extends Omit<ModelAttemptFacts, "provider"> {
  /** Id of the event. It is the same in the gateway's hooks. */
  readonly id: string
  /** Name of the provider. Null if another process or a runner sent the request. */
  readonly provider: string | null
  readonly usage: Usage
  /** US dollars. Null if the price of the model is not known. */
  readonly cost: Cost
  /** If true, the usage is the gateway's estimate. */
  readonly estimated: boolean
  /** Null if the attempt failed, and for a summary. */
  readonly stopReason: StopReason | null
  /** Null if the attempt failed, and for a summary. */
  readonly response: AssistantMessage | null
  /** Error code of a failed attempt. Null if there is a response. */
  readonly code: string | null
  /** Milliseconds from the request to the end of the response. Null if this process did not send the request. */
  readonly durationMs: number | null
  /** Milliseconds from the request to the first token. Null if there was none. */
  readonly firstTokenMs: number | null
  /** The request as it was sent. Null if no observer asked for it, or if another process sent the request. */
  readonly record: CallRecord | null
}

export interface ToolCallFacts extends RunFacts {
  readonly toolCallId: string
  readonly tool: string
}

export interface EndedToolCall extends ToolCallFacts {
  /** Id of the event. It is the same in the gateway's hooks. */
  readonly id: string
  /** The MCP server that executed the call. Null for another tool, and for an interrupted call. */
  readonly server: string | null
  /** `failed`: the result is an error, or reports one. */
  readonly outcome: "completed" | "failed" | "interrupted"
  /** Milliseconds of the execution. Null for an interrupted call. */
  readonly durationMs: number | null
  /** The arguments that the model wrote. */
  readonly input: JsonObject
  /** Null for an interrupted call. */
  readonly result: ToolResult | null
  /** Null unless the call was interrupted. */
  readonly interruption: Pick<ToolCallInterrupted, "reason" | "outcome"> | null
}

export interface OpenedWait extends ToolCallFacts {
  readonly waitId: string
  readonly kind: WaitKind
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

export interface ResolvedWait extends ToolCallFacts {
  readonly waitId: string
  readonly kind: WaitKind
  /** Milliseconds since the Unix epoch. */
  readonly openedAt: number
  /** `expiry`: no one answered. */
  readonly via: Decider["via"] | "expiry"
  /** `approved` or `denied` for an approval, the action of an answer to a question, and otherwise null. */
  readonly answer: "approved" | "denied" | "accept" | "decline" | "cancel" | null
}

export interface StoredEvent extends RunFacts {
  /** Id of the event. It is the same in the gateway's hooks. */
  readonly id: string
  readonly entry: EventEntry
}

export interface CommitFacts {
  readonly sessions: number
  /** Number of log entries. */
  readonly rows: number
  /** Milliseconds until the store answered. */
  readonly durationMs: number
  /** If false, the store could not accept the entries. They are tried again, or their sessions are left to others. */
  readonly ok: boolean
}

export interface StreamFacts extends SessionFacts {
  /** Null for a stream of all runs of the session. */
  readonly runId: string | null
}

export interface ClosedStream extends StreamFacts {
  readonly durationMs: number
}

export interface LeaseFacts extends SessionFacts {
  readonly epoch: number
  /** Number of processes in a row that died while they held the session. Above 0, this process takes it over. */
  readonly takeovers: number
}

export interface EndedLease extends LeaseFacts {
  /** `lost`: another process has the session, or may have it. `left`: work was left open, such as by a shutdown. */
  readonly outcome: "released" | "left" | "lost"
  readonly durationMs: number
}

export interface DeliveryFacts {
  readonly id: string
  /** For an item of a plugin: `AGENT/PLUGIN/KIND`. */
  readonly kind: string
  readonly sessionId: string
  /** Counts the attempts from 1. */
  readonly attempt: number
  /** The `traceparent` of the work that created the item. Null if the item has none. */
  readonly traceparent: string | null
}

export interface EndedDelivery extends DeliveryFacts {
  /** `left`: this process stops, and leaves the item to others. */
  readonly outcome: "delivered" | "failed" | "left"
  /** Message of the error of a failed attempt. Otherwise null. */
  readonly error: string | null
}

export interface ItemFacts {
  readonly id: string
  /** For an item of a plugin: `AGENT/PLUGIN/KIND`. */
  readonly kind: string
  readonly sessionId: string
  /** Counts the attempts from 1. */
  readonly attempt: number
  /** Milliseconds of the last attempt. */
  readonly durationMs: number
}

export interface DeadItem extends ItemFacts {
  /** Message of the last error. */
  readonly error: string
}
