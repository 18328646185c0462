import type { TaskState } from "../background-task.ts"
import type { RunLimits } from "../child.ts"
import type { Json, JsonObject } from "../json/json.ts"
import type { AssistantMessage, ContentPart, Message } from "../messages.ts"
import type { StopReason } from "../ports/provider.ts"
import type { ToolResult } from "../ports/tool.ts"
import type { RunSettings } from "../run-settings.ts"
import type { ToolOrigin } from "../tool-origin.ts"
import type { Cost, Spending, Usage } from "../usage.ts"
import type { AnyPayload, AnyResolution } from "../wait.ts"
import type { CompactionEvent } from "./compaction.ts"
import type { TaskEvent } from "./task-events.ts"

/** The newest version of the events below. A process refuses a session with events that are newer than it reads. */
export const logVersion = 3

/** One numbered record of a session's log. */
export type Entry = EventEntry | DeltaEntry

/** An entry as subscribers receive it: a record of the log, or something that the log does not keep. */
export type LiveEntry = Entry | TransientEntry

/** A durable fact: published only after it is committed. */
export interface EventEntry {
  readonly kind: "event"
  readonly seq: number
  /** The version that introduced the form in which the event is stored (rule 14, versions). */
  readonly v: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Null for a session event: a fact about the session outside any run. */
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

/** A value for those who follow the session at this moment. It has a number among the records, and is never stored. */
export interface TransientEntry {
  readonly kind: "transient"
  readonly seq: number
  readonly runId: string
  readonly data: AppData
}

/** An event of the application's own, from one of its tools. */
export interface AppData {
  readonly toolCallId: string
  readonly name: string
  readonly value: Json
}

export type Delta = TextDelta | ThinkingDelta | ToolInputDelta | ToolOutputDelta

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

/**
 * A piece of a call's arguments, as the model writes them as JSON. The call is requested once the response is
 * complete.
 */
export interface ToolInputDelta {
  readonly type: "toolInput"
  readonly stepId: string
  readonly toolCallId: string
  readonly toolName: string
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
  | CompactionEvent
  | UserMessageAdded
  | RunWithdrawn
  | StepStarted
  | ModelCallFailed
  | StepRetried
  | MessageCompleted
  | ToolCallRequested
  | InterceptorDecided
  | WaitOpened
  | WaitResolved
  | ToolCallStarted
  | DataEmitted
  | ToolCallCompleted
  | ToolCallInterrupted
  | TaskEvent
  | StepCompleted
  | OutputRejected
  | RunnerStateSaved
  | MaxTurnsReached
  | BudgetExceeded
  | TerminalEvent

/** The last event of a run. There is exactly one. */
export type TerminalEvent = RunCompleted | RunFailed

/** Work begins. Holds whatever another process needs to go on with it. */
export interface RunStarted extends RunSettings {
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
  /** Limits besides those of the agent, if there are any. */
  readonly limits?: RunLimits
}

/** The client's own conversation, which differed from the log, stands for all before it. */
export interface HistoryReplaced {
  readonly type: "historyReplaced"
  readonly messages: readonly Message[]
  /** Spending of the session before this event, so that a fold can start here. Absent in older logs. */
  readonly spent?: Spending
  /** Background tasks whose outcome the model had not received before this event. Absent if there were none. */
  readonly tasks?: readonly TaskState[]
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
  /** Amount that counts against a budget: the cost, or more if the transferred bytes indicate more. */
  readonly charged: Cost
  /** If true, the usage is the gateway's estimate. */
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
  /** Amount that counts against a budget: the cost, or more if the transferred bytes indicate more. */
  readonly charged: Cost
  /** If true, the usage is the gateway's estimate, because the service gave none, or none that can be true. */
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

/** An interceptor returned `warn`, `ask` or `deny` for the call. */
export interface InterceptorDecided {
  readonly type: "interceptorDecided"
  readonly toolCallId: string
  readonly toolName: string
  readonly action: "warn" | "ask" | "deny"
  readonly code: string | null
  readonly message: string | null
}

/** The call waits for the outside; durable, together with its wait, before anyone can see it. */
export type WaitOpened = WaitFacts & AnyPayload

interface WaitFacts {
  readonly type: "waitOpened"
  readonly waitId: string
  readonly toolCallId: string
  readonly toolName: string
  /** The tool that an answer is meant for. Absent for a local tool, and in some entries of older versions. */
  readonly origin?: ToolOrigin
  /**
   * JSON that the tool receives back when it is executed again: such a wait outlives the process. Null if the call
   * waits before its execution, or within it. No viewer is shown it.
   */
  readonly continuation: JsonObject | null
  /** Sent back with the answer. */
  readonly nonce: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** The wait is over: it was answered, or its time or its call is over. */
export type WaitResolved = ResolutionFacts & AnyResolution

interface ResolutionFacts {
  readonly type: "waitResolved"
  readonly waitId: string
  readonly toolCallId: string
  /** Null if nobody answered. */
  readonly decidedBy: Decider | null
}

/** The person or code that answered, and the way in which the answer came. */
export interface Decider {
  /** `grant`: calls of this type had been allowed before, for the rest of the session. */
  readonly via: "http" | "code" | "cli" | "grant"
  readonly tenant: string | null
  readonly userId: string | null
  /** The network address it came from, where one is known. */
  readonly address: string | null
}

/**
 * Committed just before execution: from here on the call may have had its effect. Once more before it is executed
 * again, after a crash or with an answer.
 */
export interface ToolCallStarted {
  readonly type: "toolCallStarted"
  readonly toolCallId: string
}

/** A running tool call reports something of the application's own. The model does not receive it. */
export interface DataEmitted extends AppData {
  readonly type: "dataEmitted"
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
  /** `not_started` if the call cannot have had its effect. */
  readonly outcome: "unknown" | "not_started"
  /**
   * If true, the process of a `crashed` call gave the session back, as for a deployment, and did not crash after all.
   */
  readonly stoppedInOrder?: boolean
}

export interface StepCompleted {
  readonly type: "stepCompleted"
  readonly stepId: string
  readonly step: number
  /** Tokens of all its model calls, failed ones included. */
  readonly usage: Usage
  readonly cost: Cost
}

/** The answer is not what was asked for; the model is told why and tries once more. */
export interface OutputRejected {
  readonly type: "outputRejected"
  readonly problem: string
}

/** The state that a runner receives when it is called again. The last one counts. */
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
