import type { AssistantMessage, ContentPart, Message } from "../history/messages.ts"
import type { Json, JsonObject } from "../json/json.ts"
import type { StopReason } from "../ports/model/provider.ts"
import type { ToolResult } from "../ports/tools/tool.ts"
import type { TaskState } from "../runs/background-task.ts"
import type { RunLimits } from "../runs/child.ts"
import type { RunChain } from "../runs/run-chain.ts"
import type { RunSettings } from "../runs/run-settings.ts"
import type { FirstSpan } from "../runs/trace-context.ts"
import type { ToolOrigin } from "../tools/tool-origin.ts"
import type { Cost, Spending, Usage } from "../usage.ts"
import type { AnyPayload, AnyResolution, Segment } from "../wait.ts"
import type { CompactionEvent } from "./compaction.ts"
import type { DecidedWith } from "./decider.ts"
import type { Delta, OpenedPart } from "./deltas.ts"
import type { BudgetExceeded, MaxTurnsReached } from "./limit-events.ts"
import type { TaskEvent } from "./task-events.ts"

/** The newest version of the events below. A process refuses a session that has newer events. */
export const logVersion = 4

/** One numbered record of a session's log. */
export type Entry = EventEntry | DeltaEntry

/** An entry as subscribers receive it: a record of the log, or an entry that is not stored. */
export type LiveEntry = Entry | TransientEntry | StatusEntry

/** A durable fact. It is published only after its commit. */
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

/**
 * A piece of live text or output. It is published at once, stored soon after, and dropped some time after its step is
 * durable.
 */
export interface DeltaEntry {
  readonly kind: "delta"
  readonly seq: number
  readonly runId: string
  readonly delta: Delta
}

/** A value for current subscribers. It has a sequence number, but is never stored. */
export interface TransientEntry {
  readonly kind: "transient"
  readonly seq: number
  readonly runId: string
  readonly data: AppData
}

/** A notice for current subscribers of what a run waits for. It is never stored. */
export interface StatusEntry {
  readonly kind: "status"
  /** A number of its own, or that of the entry before it. */
  readonly seq: number
  readonly runId: string
  /** A sentence for the person who waits. */
  readonly message: string
}

/** An application event, emitted by a tool. */
export interface AppData {
  readonly toolCallId: string
  readonly name: string
  readonly value: Json
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

/** The run starts. The event holds everything that another process needs to continue the run. */
export interface RunStarted extends RunSettings, FirstSpan {
  readonly type: "runStarted"
  readonly agent: string
  readonly revision: string
  readonly content: readonly ContentPart[]
  readonly context: JsonObject
  readonly channel: string | null
  /** The model that the client requested. Null if the client requested none. */
  readonly model: string | null
  /** JSON Schema of the output. Null if the client requested no structured output. */
  readonly outputSchema: JsonObject | null
  /** Limits in addition to those of the agent. Absent if there are none. */
  readonly limits?: RunLimits
  /**
   * The chain that the run continues, as it was before the run, because the run announces a background task. Absent in
   * runs that a message started, and in runs of older versions.
   */
  readonly chain?: RunChain
}

/** The client's own conversation differed from the log. It replaces everything before this event. */
export interface HistoryReplaced {
  readonly type: "historyReplaced"
  readonly messages: readonly Message[]
  /** Spending of the session before this event, so that a fold can start here. Absent in older logs. */
  readonly spent?: Spending
  /** Background tasks whose outcome the model had not received before this event. Absent if there were none. */
  readonly tasks?: readonly TaskState[]
}

/** A message of the user joined the open run, between two of its steps or just before its end. */
export interface UserMessageAdded {
  readonly type: "userMessageAdded"
  readonly content: readonly ContentPart[]
}

/** A session event: a queued run was withdrawn before any process opened it. */
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

/**
 * A model call gave no response, or its response was no longer needed. The call may have cost something nevertheless.
 */
export interface ModelCallFailed {
  readonly type: "modelCallFailed"
  readonly stepId: string
  /** Counts the model attempts of the step from 1. */
  readonly attempt: number
  /** The model that was requested. */
  readonly model: string
  readonly code: string
  /** The provider's own message, without secrets. It is for operators. */
  readonly providerMessage?: string
  readonly usage: Usage
  readonly cost: Cost
  /** Amount that counts against a budget: the cost, or more if the transferred bytes indicate more. */
  readonly charged: Cost
  /** If true, the usage is the gateway's estimate. */
  readonly estimated: boolean
}

/** The streamed text of the step is discarded, and the gateway calls the model again. */
export interface StepRetried {
  readonly type: "stepRetried"
  readonly stepId: string
  /** Number of the model attempt that starts now. The first attempt was 1. */
  readonly attempt: number
  readonly error: { readonly code: string; readonly message: string }
  /**
   * Index, among the agent's models, of the model for this and all further calls: 0, or the index of a fallback
   * model.
   */
  readonly modelIndex: number
  /**
   * The parts of the discarded response of which deltas were published, in the order of their first deltas. A wire that
   * numbers its parts counts them, so that its numbers do not depend on deltas, which may have been dropped. Absent if
   * there were none, and in entries of older versions. A crash may have lost parts of its last 50 ms.
   */
  readonly opened?: readonly OpenedPart[]
  /**
   * If true, the process that made the call released the session in an orderly way, such as during a deployment, and
   * did not crash.
   */
  readonly stoppedInOrder?: boolean
}

/** The complete model response of one step. */
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
  /** If true, the usage is the gateway's estimate, because the provider reported none, or impossible values. */
  readonly estimated: boolean
  readonly stopReason: StopReason
  /** Sequence number of the first delta of this text. Null if the text was not streamed. */
  readonly streamedFrom: number | null
}

/** The model requested a call. Nothing has been executed yet. */
export interface ToolCallRequested {
  readonly type: "toolCallRequested"
  readonly stepId: string
  readonly toolCallId: string
  readonly name: string
  readonly input: JsonObject
  /** Position among the calls of its message, from 0. */
  readonly callIndex: number
  readonly executionLocation: "backend" | "client"
  /**
   * The origin of the tool that the model saw under this name. Absent for a local tool, and in entries of older
   * versions.
   */
  readonly origin?: ToolOrigin
  /** The runner's own id of the call. */
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

/** The call has an open wait. The event and its wait are durable before any client can see them. */
export type WaitOpened = WaitFacts & AnyPayload

interface WaitFacts {
  readonly type: "waitOpened"
  readonly waitId: string
  readonly toolCallId: string
  readonly toolName: string
  /** The tool that the answer is for. Absent for a local tool, and in some entries of older versions. */
  readonly origin?: ToolOrigin
  /**
   * JSON that the tool receives when it is executed again, so the wait outlives the process. Null if the call waits
   * before or during its execution. Subscribers never receive it.
   */
  readonly continuation: JsonObject | null
  /** The client sends it back with the answer. */
  readonly nonce: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** The wait has ended: it was answered, it expired, or its call ended. */
export type WaitResolved = ResolutionFacts & AnyResolution

interface ResolutionFacts {
  readonly type: "waitResolved"
  readonly waitId: string
  readonly toolCallId: string
  /** Null if no one answered. */
  readonly decidedBy: Decider | null
  /** The segment that starts with the answer. Absent if the wire of the answer has no segments. */
  readonly segment?: Segment
}

/** The person or code that answered, and the channel of the answer. */
export interface Decider extends DecidedWith {
  /** `grant`: an earlier answer allowed calls of this type for the rest of the session. */
  readonly via: "http" | "code" | "cli" | "grant"
  readonly tenant: string | null
  readonly userId: string | null
}

/**
 * Committed just before execution. From here on, the call may have had its effect. Committed again before each
 * further execution, after a crash or after an answer.
 */
export interface ToolCallStarted {
  readonly type: "toolCallStarted"
  readonly toolCallId: string
}

/** A running tool call emitted an application event. The model does not receive it. */
export interface DataEmitted extends AppData {
  readonly type: "dataEmitted"
}

/** A piece of the end of a call's live output. The pieces of all streams are in their order. */
export interface KeptOutput {
  readonly stream: "stdout" | "stderr"
  readonly text: string
}

export interface ToolCallCompleted {
  readonly type: "toolCallCompleted"
  readonly toolCallId: string
  readonly name: string
  readonly result: ToolResult
  readonly durationMs: number
  /** The MCP server that executed the call. Null if the tool was not from an MCP server. */
  readonly server: string | null
  readonly executionLocation: "backend" | "client"
  /** The end of the live output of the last execution, for people. Absent if there was none. */
  readonly output?: readonly KeptOutput[]
}

/** The call has no result and will not get one. */
export interface ToolCallInterrupted {
  readonly type: "toolCallInterrupted"
  readonly toolCallId: string
  readonly name: string
  /** `lost`: the MCP server or machine that executed the call is gone. */
  readonly reason: "cancelled" | "crashed" | "lost"
  /** `not_started` if the call cannot have taken effect. */
  readonly outcome: "unknown" | "not_started"
  /**
   * If true, the process of a `crashed` call released the session in an orderly way, such as during a deployment, and
   * did not crash.
   */
  readonly stoppedInOrder?: boolean
}

export interface StepCompleted {
  readonly type: "stepCompleted"
  readonly stepId: string
  readonly step: number
  /** Tokens of all model calls, including failed ones. */
  readonly usage: Usage
  readonly cost: Cost
}

/**
 * The response does not match the requested schema. The model receives the validation errors and tries again once.
 */
export interface OutputRejected {
  readonly type: "outputRejected"
  readonly problem: string
}

/** The state that a runner receives when it is called again. The last event of this type counts. */
export interface RunnerStateSaved {
  readonly type: "runnerStateSaved"
  readonly state: Json
}

export interface RunCompleted {
  readonly type: "runCompleted"
  readonly disposition: "completed" | "interrupted"
  /** `cancelled`, `max_turns`, `max_tokens`, `budget` or `client_tools`. Null if the run ended normally. */
  readonly reason: string | null
  readonly usage: Usage
  readonly cost: Cost
  /** The output, if a schema was requested and the response matches it. */
  readonly output?: Json
}

export interface RunFailed {
  readonly type: "runFailed"
  readonly code: string
  /** Error message. It is safe to show to any client. */
  readonly message: string
  /** Message of the provider whose model call failed, without secrets. It is for operators. */
  readonly providerMessage?: string
  readonly usage: Usage
  readonly cost: Cost
}

export function isTerminal(event: Event): event is TerminalEvent {
  return event.type === "runCompleted" || event.type === "runFailed"
}

/** Returns true if the last of the entries ends a run. */
export function endsRun(entries: readonly LiveEntry[]): boolean {
  const last = entries.at(-1)
  return last?.kind === "event" && isTerminal(last.event)
}

/** Returns true if the event replaces the deltas before it, which are then kept only for slow subscribers. */
export function settlesDeltas(event: Event): boolean {
  return event.type === "stepCompleted" || isTerminal(event)
}
