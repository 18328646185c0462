import type { Json, JsonObject } from "./json.ts"
import type { AssistantMessage, ContentPart, Message } from "./messages.ts"
import type { StopReason } from "./ports/provider.ts"
import type { ToolResult } from "./ports/tool.ts"
import type { Question, QuestionAnswer } from "./question.ts"
import type { ToolOrigin } from "./tool-origin.ts"
import type { Cost, Spending, Usage } from "./usage.ts"

/** The version of the events below. A reader refuses a session whose events are newer than it knows. */
export const logVersion = 3

/** One numbered record of a session's log. */
export type Entry = EventEntry | DeltaEntry

/** A durable fact: published only after it is committed. */
export interface EventEntry {
  readonly kind: "event"
  readonly seq: number
  readonly v: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Null for a fact about the session that belongs to no run. */
  readonly runId: string | null
  readonly event: Event
}

/** A live frame: published at once, stored soon after, dropped some time after its step is durable. */
export interface DeltaEntry {
  readonly kind: "delta"
  readonly seq: number
  readonly runId: string
  readonly delta: Delta
}

export type Delta = TextDelta | ThinkingDelta | ToolOutputDelta

export interface TextDelta {
  readonly type: "textDelta"
  readonly stepId: string
  readonly messageId: string
  /** Index of the part in the message's content. */
  readonly part: number
  readonly text: string
}

export interface ThinkingDelta {
  readonly type: "thinkingDelta"
  readonly stepId: string
  readonly messageId: string
  readonly part: number
  readonly text: string
}

export interface ToolOutputDelta {
  readonly type: "toolOutput"
  readonly stepId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly stream: "stdout" | "stderr"
  readonly text: string
  /** Counts the chunks of one call from 0. */
  readonly chunk: number
}

export type Event =
  | RunStarted
  | HistoryReplaced
  | UserMessageAdded
  | RunWithdrawn
  | StepStarted
  | ModelCallFailed
  | StepRetried
  | MessageCompleted
  | ToolCallRequested
  | InterceptorDecided
  | ApprovalRequested
  | ApprovalResolved
  | ClientToolOpened
  | ElicitationRequested
  | ElicitationResolved
  | ToolCallStarted
  | ToolCallCompleted
  | ToolCallInterrupted
  | StepCompleted
  | OutputRejected
  | RunnerStateSaved
  | MaxTurnsReached
  | BudgetExceeded
  | TerminalEvent

/** The last event of a run. There is exactly one. */
export type TerminalEvent = RunCompleted | RunFailed

/** Work begins. Holds whatever another process needs to go on with it. */
export interface RunStarted {
  readonly type: "runStarted"
  readonly agent: string
  readonly revision: string
  readonly content: readonly ContentPart[]
  readonly context: JsonObject
  readonly channel: string | null
  /** The model asked for by the client, if any. */
  readonly model: string | null
  /** JSON Schema of the answer, where one was asked for. */
  readonly outputSchema: JsonObject | null
}

/** The client's own conversation, which differed from the log, stands for all before it. */
export interface HistoryReplaced {
  readonly type: "historyReplaced"
  readonly messages: readonly Message[]
  /** Spending of the session before this event, so that a fold can start here. Absent in older logs. */
  readonly spent?: Spending
}

/** A message of the user that joined the open run, between two of its steps or just before its end. */
export interface UserMessageAdded {
  readonly type: "userMessageAdded"
  readonly content: readonly ContentPart[]
}

/** A session event: a queued run was taken back before any process opened it. */
export interface RunWithdrawn {
  readonly type: "runWithdrawn"
  readonly withdrawnRunId: string
}

/** Committed before the model is called. */
export interface StepStarted {
  readonly type: "stepStarted"
  readonly stepId: string
  readonly messageId: string
  /** Counts a run's steps from 1. */
  readonly step: number
}

/** One call of a model gave no answer, or none that was wanted any more. It may have cost something all the same. */
export interface ModelCallFailed {
  readonly type: "modelCallFailed"
  readonly stepId: string
  /** Counts the step's calls from 1. */
  readonly attempt: number
  /** The model that was asked for. */
  readonly model: string
  readonly code: string
  readonly usage: Usage
  readonly cost: Cost
  /** What counts against a budget: the cost, or more where what went over the wire speaks for more. */
  readonly charged: Cost
  /** Whether the usage is the gateway's estimate. */
  readonly estimated: boolean
}

/** The step's streamed text is void; the model is called again. */
export interface StepRetried {
  readonly type: "stepRetried"
  readonly stepId: string
  /** The attempt that begins now; the first was 1. */
  readonly attempt: number
  readonly error: { readonly code: string; readonly message: string }
  /** Position among the agent's models of the one that is called now and from now on: 0, or that of a fallback. */
  readonly modelIndex: number
  /** The process that made the call before gave its session back, as for a deployment: it did not crash. */
  readonly stoppedInOrder?: boolean
}

/** The model's whole answer of one step. */
export interface MessageCompleted {
  readonly type: "messageCompleted"
  readonly stepId: string
  readonly messageId: string
  readonly message: AssistantMessage
  readonly model: string
  readonly usage: Usage
  readonly cost: Cost
  /** What counts against a budget: the cost, or more where what went over the wire speaks for more. */
  readonly charged: Cost
  /** Whether the usage is the gateway's estimate, because the service gave none, or none that can be. */
  readonly estimated: boolean
  readonly stopReason: StopReason
  /** Sequence number of the first delta of this text, null when it was not streamed. */
  readonly streamedFrom: number | null
}

/** The model asked for a call. Nothing has been executed yet. */
export interface ToolCallRequested {
  readonly type: "toolCallRequested"
  readonly stepId: string
  readonly toolCallId: string
  readonly name: string
  readonly input: JsonObject
  /** Position among the calls of its message, from 0. */
  readonly callIndex: number
  readonly executionLocation: "backend" | "client"
  /** The tool that the model was shown under this name. Absent for a local tool, and in entries of older versions. */
  readonly origin?: ToolOrigin
  /** A runner's own id of the call. */
  readonly runnerCallId?: string
}

/** An interceptor did not simply allow the call. */
export interface InterceptorDecided {
  readonly type: "interceptorDecided"
  readonly toolCallId: string
  readonly toolName: string
  readonly action: "warn" | "ask" | "deny"
  readonly code: string | null
  readonly message: string | null
}

/** A person is asked; durable, with its wait, before anybody can see it. */
export interface ApprovalRequested {
  readonly type: "approvalRequested"
  readonly toolCallId: string
  readonly toolName: string
  readonly input: JsonObject
  /** Together with the tool's name and origin: the tool type that a grant is for. */
  readonly qualifier: string | null
  /** The tool that an approval holds for. Absent for a local tool, and in entries of older versions. */
  readonly origin?: ToolOrigin
  readonly reason: string | null
  readonly nonce: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

export interface ApprovalResolved {
  readonly type: "approvalResolved"
  readonly toolCallId: string
  readonly approved: boolean
  /** The arguments as the person changed them; null when they are the model's. */
  readonly editedInput: JsonObject | null
  /** Told to the model on denial. */
  readonly reason: string | null
  /** Null when nobody answered in time. */
  readonly decidedBy: Decider | null
}

/** Who answered, and over what. */
export interface Decider {
  /** `grant`: calls of this type had been allowed before, for the rest of the session. */
  readonly via: "http" | "code" | "cli" | "grant"
  readonly tenant: string | null
  readonly userId: string | null
  /** The network address it came from, where one is known. */
  readonly address: string | null
}

/** The call is the client's to execute now: nobody objects, and whoever had to allow it has. */
export interface ClientToolOpened {
  readonly type: "clientToolOpened"
  readonly toolCallId: string
  readonly name: string
  /** As a person edited it, if one did. */
  readonly input: JsonObject
  readonly callIndex: number
  /** What the client sends back with its result. */
  readonly nonce: string
  readonly expiresAt: number
}

/** A tool asks the user something; durable, with its wait, before anybody can see it. */
export interface ElicitationRequested {
  readonly type: "elicitationRequested"
  readonly toolCallId: string
  readonly toolName: string
  /** The MCP server behind the tool, if any: people are told who asks. */
  readonly server: string | null
  readonly question: Question
  /**
   * What the tool is given back with the answer when it is executed again: such a question outlives the process. Null
   * for one that is put from inside the running call, and ends with it. No viewer is shown it.
   */
  readonly continuation: JsonObject | null
  readonly nonce: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** The question is answered, or its time or its call is over. */
export interface ElicitationResolved extends QuestionAnswer {
  readonly type: "elicitationResolved"
  readonly toolCallId: string
  /** Null when nobody answered: the action is `cancel`. */
  readonly decidedBy: Decider | null
}

/**
 * Committed just before execution: from here on the call may have had its effect. Once more before it is executed
 * again, after a crash or with an answer.
 */
export interface ToolCallStarted {
  readonly type: "toolCallStarted"
  readonly toolCallId: string
}

export interface ToolCallCompleted {
  readonly type: "toolCallCompleted"
  readonly toolCallId: string
  readonly name: string
  readonly result: ToolResult
  readonly durationMs: number
  /** The MCP server that executed it, if one did. */
  readonly server: string | null
  readonly executionLocation: "backend" | "client"
}

/** The call has no result and will not get one. */
export interface ToolCallInterrupted {
  readonly type: "toolCallInterrupted"
  readonly toolCallId: string
  readonly name: string
  /** `lost`: what executed it, an MCP server, is gone. */
  readonly reason: "cancelled" | "crashed" | "lost"
  /** Whether the call can have had its effect. */
  readonly outcome: "unknown" | "not_started"
  /** Of a `crashed` one: its process gave the session back, as for a deployment, and did not crash after all. */
  readonly stoppedInOrder?: boolean
}

export interface StepCompleted {
  readonly type: "stepCompleted"
  readonly stepId: string
  readonly step: number
  /** Of all its model calls, failed ones included. */
  readonly usage: Usage
  readonly cost: Cost
}

/** The answer is not what was asked for; the model is told why and tries once more. */
export interface OutputRejected {
  readonly type: "outputRejected"
  readonly problem: string
}

/** What a runner wants back when it is called again. The last one counts. */
export interface RunnerStateSaved {
  readonly type: "runnerStateSaved"
  readonly state: Json
}

/** The next model call could have crossed the budget. */
export interface BudgetExceeded {
  readonly type: "budgetExceeded"
  /** US dollars, spent so far. */
  readonly totalCost: number
  readonly budget: number
}

export interface MaxTurnsReached {
  readonly type: "maxTurnsReached"
  readonly turnCount: number
  readonly maxTurns: number
}

export interface RunCompleted {
  readonly type: "runCompleted"
  readonly disposition: "completed" | "interrupted"
  /** `cancelled`, `max_turns`, `max_tokens`, `budget`; null for a plain end. */
  readonly reason: string | null
  readonly usage: Usage
  readonly cost: Cost
  /** The answer, where a schema was asked for and it fits. */
  readonly output?: Json
}

export interface RunFailed {
  readonly type: "runFailed"
  readonly code: string
  /** Safe to show to any client. */
  readonly message: string
  readonly usage: Usage
  readonly cost: Cost
}

export function isTerminal(event: Event): event is TerminalEvent {
  return event.type === "runCompleted" || event.type === "runFailed"
}

/** After such an event the deltas before it are only kept for viewers that lag. */
export function settlesDeltas(event: Event): boolean {
  return event.type === "stepCompleted" || isTerminal(event)
}
