/**
 * The port of plugins, and the values that plugins receive.
 *
 * @module plugins
 */

export type { AgentSkill, AgentSkills } from "../core/ports/agent-skills.ts"
export type {
  CompactableHistory,
  CompactionStep,
  ConversationSummary,
  HistoryCompaction,
} from "../core/ports/model/compaction.ts"
export type {
  ClosedStream,
  CommitFacts,
  DeadItem,
  DeliveryFacts,
  EndedAttempt,
  EndedDelivery,
  EndedExecution,
  EndedLease,
  EndedRun,
  EndedToolCall,
  EndedTurn,
  ItemFacts,
  LeaseFacts,
  ModelAttemptFacts,
  Observer,
  OpenedRun,
  OpenedWait,
  ResolvedWait,
  RunFacts,
  SentAttempt,
  SessionFacts,
  StartedExecution,
  StoredEvent,
  StreamFacts,
  StreamingAttempt,
  ToolCallFacts,
  Turn,
} from "../core/ports/observer.ts"
export type {
  Audience,
  PendingAuthorization,
  Plugin,
  PluginCheck,
  PluginParts,
  PluginPorts,
  PluginRun,
  PluginServices,
  PluginStores,
  RunParts,
  SourcedTool,
  ToolSource,
} from "../core/ports/plugin.ts"
export type {
  Handler,
  OperatorRoute,
  PluginHandler,
  PluginRequest,
  PluginRoute,
  PublicRequest,
  PublicRoute,
  RouteRequest,
  SessionRoute,
  UserRequest,
  UserRoute,
} from "../core/ports/plugin-route.ts"
export type {
  ActingOptions,
  PluginAnswer,
  PluginDirectory,
  PluginRunIds,
  PluginRunResult,
  PluginRuns,
  PluginStartOptions,
  PluginUser,
  StartedPluginRun,
} from "../core/ports/plugin-runs.ts"
export type { CodeRequest, CodeRunner } from "../core/ports/tools/code-runner.ts"
export type { SandboxReports, SandboxSession } from "../core/ports/tools/sandbox.ts"
export type {
  BackendState,
  SandboxLimit,
  SandboxState,
  SessionSandbox,
} from "../core/ports/tools/sandbox-state.ts"
export type { SchemaCheck, SchemaCheckOptions } from "../core/ports/tools/schema-check.ts"
export type { ChildOutcome, ChildTask, RunLimits } from "../core/runs/child.ts"
export type { MaxTurnsReport, OnMaxTurns } from "../core/runs/max-turns.ts"
export type { RunChain } from "../core/runs/run-chain.ts"
export type { ItemsAtEnd, RunEnd } from "../core/runs/run-end.ts"
export type {
  RunUsageReport,
  ToolReport,
  ToolTiming,
  UsageReport,
} from "../core/runs/run-hooks.ts"
export type { RunRole } from "../core/runs/run-role.ts"
export type { RunSettings } from "../core/runs/run-settings.ts"
export type { TurnLimit } from "../core/runs/turn-limit.ts"
export type { DataBlock } from "../core/text/data-block.ts"
