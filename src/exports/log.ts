/**
 * The log of sessions: its events, messages and waits.
 *
 * @module log
 */

export type { HistoryFingerprint } from "../core/history/history-fingerprint.ts"
export type {
  AssistantMessage,
  AssistantPart,
  ContentPart,
  ImagePart,
  Message,
  ModelPart,
  ModelToolCall,
  OpaquePart,
  SystemMessage,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolMessage,
  UserMessage,
  VendorData,
} from "../core/history/messages.ts"
export type { Json, JsonObject } from "../core/json/json.ts"
export type {
  CompactionEvent,
  CompactionFailed,
  CompactionStarted,
  HistoryCompacted,
  ToolResultsShortened,
} from "../core/log/compaction.ts"
export type { DecidedWith, DeciderCredential } from "../core/log/decider.ts"
export type {
  Delta,
  OpenedPart,
  TextDelta,
  ThinkingDelta,
  ToolInputDelta,
  ToolOutputDelta,
} from "../core/log/deltas.ts"
export type {
  AppData,
  DataEmitted,
  Decider,
  DeltaEntry,
  Entry,
  Event,
  EventEntry,
  InterceptorDecided,
  KeptOutput,
  LiveEntry,
  MessageCompleted,
  ModelCallFailed,
  OutputRejected,
  RunCompleted,
  RunFailed,
  RunnerStateSaved,
  RunStarted,
  RunWithdrawn,
  StatusEntry,
  StepCompleted,
  StepRetried,
  StepStarted,
  TerminalEvent,
  ToolCallCompleted,
  ToolCallInterrupted,
  ToolCallRequested,
  ToolCallStarted,
  TransientEntry,
  UserMessageAdded,
  WaitOpened,
  WaitResolved,
} from "../core/log/entries.ts"
export type { HistoryForked, HistoryReplaced } from "../core/log/history-events.ts"
export type { BudgetExceeded, MaxTurnsReached } from "../core/log/limit-events.ts"
export type { LogRange } from "../core/log/superseded.ts"
export type { TaskEnded, TaskEvent, TaskRegistered, TasksCollected } from "../core/log/task-events.ts"
export type { BackgroundTask, TaskState } from "../core/runs/background-task.ts"
export type { FirstSpan } from "../core/runs/trace-context.ts"
export type { Cost, Spending, Usage } from "../core/usage.ts"
export type {
  AnswerableKind,
  AnyAnswer,
  AnyPayload,
  AnyResolution,
  ApprovalDecision,
  ApprovalPayload,
  ApprovalResolution,
  Approver,
  ChildPayload,
  ClientToolAnswer,
  ClientToolPayload,
  ElicitationPayload,
  GrantScope,
  Segment,
  TimerPayload,
  WaitAnswers,
  WaitKind,
  WaitPayloads,
  WaitResolutions,
} from "../core/wait.ts"
