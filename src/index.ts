export type { LoopOptions, WaitOptions } from "./agent/options.ts"
export type { ApprovalOptions } from "./approvals/options.ts"
export { type PathAllowlist, pathAllowlist } from "./approvals/path-allowlist.ts"
export { rateLimitInterceptor, type ToolRateLimit } from "./approvals/rate-limit.ts"
export type { ChatEvent } from "./client/wire/chat-event.ts"
export type { ImageBlock, TextBlock, Usage as WireUsage } from "./client/wire/content.ts"
export type { CodeExecutionConfig, ExecutionContext, PrepareEnv } from "./code-execution/options.ts"
export type { CompactionOptions, CompactionSettings } from "./compaction/options.ts"
export type { ConsoleOption, ConsoleOptions } from "./console/options.ts"
export type { BackgroundTask, TaskState } from "./core/background-task.ts"
export type { ChildOutcome, ChildTask, RunLimits } from "./core/child.ts"
export type { GatewayErrorOptions } from "./core/errors.ts"
export { ConfigurationError, GatewayError, StoreUnavailableError, UndeliverableError } from "./core/errors.ts"
export type { HistoryFingerprint } from "./core/history-fingerprint.ts"
export type { IdPrefix, Ids } from "./core/ids.ts"
export type { Json, JsonObject } from "./core/json/json.ts"
export type {
  CompactionEvent,
  CompactionFailed,
  CompactionStarted,
  HistoryCompacted,
  ToolResultsShortened,
} from "./core/log/compaction.ts"
export type { Delta, TextDelta, ThinkingDelta, ToolInputDelta, ToolOutputDelta } from "./core/log/deltas.ts"
export type {
  AppData,
  BudgetExceeded,
  DataEmitted,
  Decider,
  DeltaEntry,
  Entry,
  Event,
  EventEntry,
  HistoryReplaced,
  InterceptorDecided,
  MaxTurnsReached,
  MessageCompleted,
  ModelCallFailed,
  OutputRejected,
  RunCompleted,
  RunFailed,
  RunnerStateSaved,
  RunStarted,
  RunWithdrawn,
  StepCompleted,
  StepRetried,
  StepStarted,
  TerminalEvent,
  ToolCallCompleted,
  ToolCallInterrupted,
  ToolCallRequested,
  ToolCallStarted,
  UserMessageAdded,
  WaitOpened,
  WaitResolved,
} from "./core/log/entries.ts"
export type { TaskEnded, TaskEvent, TaskRegistered, TasksCollected } from "./core/log/task-events.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  AssistantMessage, AssistantPart, ContentPart, ImagePart, Message, ModelPart, ModelToolCall, OpaquePart,
  SystemMessage, TextPart, ThinkingPart, ToolCallPart, ToolMessage, UserMessage, VendorData,
} from "./core/messages.ts"
export type { AgentSkill, AgentSkills } from "./core/ports/agent-skills.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  Approvals, AuditFilter, AuditRecord, Grant, GrantRevocation, ToolType, Wait, WaitFilter, WaitKey,
} from "./core/ports/approvals.ts"
export type { CodeRequest, CodeRunner } from "./core/ports/code-runner.ts"
export type { CompactableHistory, CompactionStep, HistoryCompaction } from "./core/ports/compaction.ts"
export { type Content, type ContentLimits, type Contents, contentChunkBytes } from "./core/ports/contents.ts"
export {
  type Directory,
  type DirectoryCursor,
  type DirectoryPage,
  type DirectoryQuery,
  type ListedRun,
  type ListedSession,
  maxDirectoryPage,
  type RunQuery,
  type RunState,
  type SessionQuery,
  type SessionState,
} from "./core/ports/directory.ts"
export type { EmbeddingProvider } from "./core/ports/embeddings.ts"
export type {
  Found,
  PendingOptions,
  PutAndClaimOutcome,
  PutCommand,
  PutRun,
  QueuedRun,
  RunOpened,
  SteerCommand,
  TaskEndCommand,
  WhenBusy,
  WithdrawCommand,
} from "./core/ports/inbox.ts"
export { maxQueuedMessages } from "./core/ports/inbox.ts"
export type {
  ApprovalPolicy,
  InterceptedCall,
  Interception,
  Interceptor,
  PolicyCall,
} from "./core/ports/interceptor.ts"
export type { Keyring, SigningKey } from "./core/ports/keyring.ts"
export { alwaysLive, type Liveness } from "./core/ports/liveness.ts"
export type { Logger } from "./core/ports/logger.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  Memory, MemoryBounds, MemoryFilter, MemoryKey, MemoryListQuery, MemoryOrigin, MemoryOwnersQuery, MemoryPage,
  MemoryRecord, MemoryScope, MemoryVector, NewMemory, OwnedMemories, RecallQuery, RememberOptions, RememberOutcome,
} from "./core/ports/memory.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  ClaimedItem, CommandDelivery, CommandItem, CommandResult, HandledItem, NewChild, Outbox, OutboxClaim,
  OutboxCommand, OutboxDelivery, OutboxFailure, OutboxFilter, OutboxHandler, OutboxItem, OutboxRow,
  RowChoice, StartChild,} from "./core/ports/outbox.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  Audience, DescribedRoute, Plugin, PluginCheck, PluginHandler, PluginParts, PluginPorts, PluginRequest,
  PluginRoute, PluginRun, PluginServices, PluginStores, RunParts, SourcedTool, ToolSource,
} from "./core/ports/plugin.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  ModelChoice, ModelDelta, ModelEnd, ModelEvent, ModelFailure, ModelInputDelta, ModelProgress,
  ModelRequest, Provider, StopReason, SystemBlock, ToolSpecification,
} from "./core/ports/provider.ts"
export type { ReadOptions } from "./core/ports/read-options.ts"
export type {
  CodeLanguage,
  OpenedFile,
  ReadOnlyFile,
  ReadOnlyFolder,
  SandboxHost,
  SandboxName,
} from "./core/ports/sandbox.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  AdvanceOutcome, CreateOutcome, Firing, NewSchedule, Occurrence, OccurrenceCause, Schedule, ScheduleBounds,
  ScheduleChange, ScheduleQuery, ScheduleStep, Schedules, SkippedOccurrence,
} from "./core/ports/schedules.ts"
export type { SchemaCheck, SchemaCheckOptions } from "./core/ports/schema-check.ts"
export type { Secrets } from "./core/ports/secrets.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  AcceptedAnswer, AnswerCommand, AnswerOutcome, CancelCommand, Command, CommitOutcome, Lease,
  MessageCommand, MessageInput, NewSession, NewWait, Principal, PruneLimits, PutOutcome,
  ReleaseOptions, Run, Session, SessionBatch, SessionLog, SessionParent, StorageLimits,
  StoredCommand,
} from "./core/ports/session-log.ts"
export type { HeldPlaces, Shares } from "./core/ports/shares.ts"
// biome-ignore format: a line for each name would be too many.
export {
  type NewSnapshot, type Snapshot, type SnapshotLease, type SnapshotRange, type Snapshots, snapshotRowBytes,
} from "./core/ports/snapshots.ts"
export type { Store, StoreOpener, StoreParts } from "./core/ports/store.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  Cursor, CursorClaim, CursorFailure, EventPage, ForgottenSubscription, Gap, Subscriber, SubscriberContext,
  Subscription, Subscriptions,
} from "./core/ports/subscriptions.ts"
export type {
  Answered,
  EmittedData,
  ReturnedTask,
  ReturnedWait,
  SessionTasks,
  Tool,
  ToolApprovalPolicy,
  ToolContext,
  ToolOutcome,
  ToolResult,
  ToolResultMarks,
  Validation,
  ValidationContext,
} from "./core/ports/tool.ts"
export type { ToolRules } from "./core/ports/tool-rules.ts"
export type { TransformedCall, TransformToolResult } from "./core/ports/transform-tool-result.ts"
export type { FormQuestion, Question, QuestionAnswer, UrlQuestion } from "./core/question.ts"
export type { ItemsAtEnd, RunEnd } from "./core/run-end.ts"
export type { MaxTurnsReport, ToolReport, ToolTiming, UsageReport } from "./core/run-hooks.ts"
export type { RunRole } from "./core/run-role.ts"
export type { RunSettings } from "./core/run-settings.ts"
export type { Runner, RunnerDecision, RunnerEvent, RunnerRequest, RunnerToolCall } from "./core/runner.ts"
export type { ScheduleOrigin, ScheduleSpec, ScheduleState } from "./core/schedule.ts"
export type { ThinkingLevel } from "./core/thinking-level.ts"
export type { Clock } from "./core/time/clock.ts"
export type { ToolLimits } from "./core/tool-limits.ts"
export type { ToolOrigin } from "./core/tool-origin.ts"
export type { Cost, Spending, Usage } from "./core/usage.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  AnswerableKind, AnyAnswer, AnyPayload, AnyResolution, ApprovalDecision, ApprovalPayload,
  ApprovalResolution, ChildPayload, ClientToolAnswer, ClientToolPayload, ElicitationPayload, GrantScope,
  TimerPayload, WaitAnswers, WaitKind, WaitPayloads, WaitResolutions,
} from "./core/wait.ts"
export type { DeliveryResult } from "./delivery/deliver.ts"
export type {
  Delivery,
  DeliveryOptions,
  EmailOptions,
  SlackOptions,
  TelegramFile,
  TelegramOptions,
  WebhookOptions,
} from "./delivery/options.ts"
export { delivery } from "./delivery/plugin.ts"
export { type SendTelegramOptions, sendTelegram, type TelegramChat } from "./delivery/telegram.ts"
export type { OnUnknown } from "./delivery/uncertain.ts"
export type { ModelAgentOptions } from "./gateway/agent-definition.ts"
export type { ChatModelRuntime, ChatRunnerRuntime, ChatRuntime } from "./gateway/chat-runtime.ts"
export { type AgentOptions, createAgent } from "./gateway/create-agent.ts"
export { createGateway, type GatewayAgent, type GatewayOptions } from "./gateway/create-gateway.ts"
export {
  type BuildChatRuntime,
  type ChatRuntimeRequest,
  createGatewayApp,
  type GatewayAppOptions,
  type RuntimeAgentOptions,
} from "./gateway/create-gateway-app.ts"
export type { Credentials, ResolveCredentials } from "./gateway/credentials.ts"
export type {
  ApprovalAnswer,
  CloseOptions,
  Gateway,
  GatewayRunResult,
  InferOutput,
  Listener,
  ListenOptions,
  OutputSchema,
  PrepareOptions,
  ReadinessOptions,
  RunOptions,
  ServedAgent,
  StreamOptions,
} from "./gateway/gateway.ts"
export type {
  EventHookOptions,
  HookOptions,
  Hooks,
  SessionHooks,
  SessionReport,
} from "./gateway/hooks/hooks.ts"
export { memoryStore, postgresStore, sqliteStore } from "./gateway/open-store.ts"
export type { GatewayMemory, MemoryOwner } from "./gateway/operate/memory.ts"
export type { ChosenRows, GatewayOutbox, OutboxListFilter } from "./gateway/operate/outbox.ts"
export type { ModelProbe } from "./gateway/operate/probe-models.ts"
export type { GatewaySchedules } from "./gateway/operate/schedules.ts"
export type { GatewaySessions, ListOptions } from "./gateway/operate/sessions.ts"
export type {
  AnswerOptions,
  ApproveOptions,
  DenyOptions,
  ElicitationAnswer,
  GatewayWaits as GatewayApprovals,
  OpenWait,
} from "./gateway/operate/waits.ts"
export type {
  AgentServerOptions,
  AllowClientTool,
  ServerOptions,
  SharedServerOptions,
} from "./gateway/options/gateway-options.ts"
export type { ProcessOptions } from "./gateway/options/process-options.ts"
export type { SecretsOptions } from "./gateway/options/secrets-key.ts"
export { type DeliverOptions, deliver } from "./gateway/runs/deliver.ts"
export type { AutonomousOptions, AutonomousRetryOptions } from "./gateway/runs/run-autonomous.ts"
export { runAutonomous, runAutonomousWithRetry } from "./gateway/runs/run-autonomous.ts"
export type { StartOptions } from "./gateway/runs/run-options.ts"
export { type PromptAnswer, type SendPromptOptions, sendPrompt } from "./gateway/runs/send-prompt.ts"
export type { StartedRun } from "./gateway/runs/start-run.ts"
export type { ChatStream } from "./gateway/runs/stream-run.ts"
export type { HeartbeatClock } from "./headless/heartbeat/clock.ts"
export { HeartbeatLoop, type HeartbeatOptions } from "./headless/heartbeat/heartbeat-loop.ts"
export type { HeartbeatConfig } from "./headless/heartbeat/options.ts"
export type { HeartbeatState, TickOutcome } from "./headless/heartbeat/state.ts"
export type { HeartbeatTick, SkipReason, TickResult } from "./headless/heartbeat/tick.ts"
export { classifyOutcome, type OutcomeClass } from "./headless/run/classify-outcome.ts"
export { type CollectOptions, collectRunOutput } from "./headless/run/collect-run-output.ts"
export { formatRunSummary, type SummaryOptions } from "./headless/run/format-run-summary.ts"
export type { OnHumanNeeded, RunSessionOptions } from "./headless/run/options.ts"
export type { Retry, RetryOptions } from "./headless/run/retry.ts"
export type { RunOutcome, RunOutput } from "./headless/run/run-output.ts"
export { runOutputExitCode, runOutputOutcome } from "./headless/run/run-output.ts"
export { runSession } from "./headless/run/run-session.ts"
export type { FinishedRun, HumanAnswer, HumanDecision, RunRequest, Runs } from "./headless/runs.ts"
export type { AuthenticatePerson } from "./http/auth/identify.ts"
export type { Person } from "./http/auth/principal.ts"
export type { HttpLimits, HttpOptions, RateLimits } from "./http/options.ts"
export type { Readiness } from "./http/readiness.ts"
export type { LargeResultsOptions, LargeResultsSettings } from "./large-results/options.ts"
export type {
  McpApproval,
  McpHttpServerDefinition,
  McpOAuthDefinition,
  McpPerUserOptions,
  McpProtocolVersion,
  McpServerDefinition,
  McpServerDefinitions,
  McpServerOptions,
  McpStdioServerDefinition,
  McpToolOptions,
} from "./mcp/config/definition.ts"
export type { McpAuthorizationOptions, McpOptions } from "./mcp/options.ts"
// biome-ignore format: a line for each name would be too many.
export type {
  CallOptions, ForgetOptions, Memories, MemoryChange, MemoryInput, MemoryListOptions, MemoryName, MemoryQuery,
  RememberedMemory,
} from "./memory/memories.ts"
export type { MemoryChoice, MemoryOptions } from "./memory/options.ts"
export {
  MarkdownSyncManager,
  type MarkdownSyncOptions,
  type WatchOptions,
} from "./memory/sync/markdown-sync-manager.ts"
export type { SyncConflict, SyncProblem, SyncReport } from "./memory/sync/report.ts"
export type { PriceOverrides } from "./pricing/create-pricing.ts"
export type { ModelPrice } from "./pricing/model-price.ts"
export type { PriceOptions } from "./pricing/options.ts"
export { aiSdkProvider } from "./providers/ai-sdk/ai-sdk-provider.ts"
export type { AiSdkModel, AiSdkOptions } from "./providers/ai-sdk/options.ts"
export { anthropicProvider } from "./providers/anthropic/anthropic-provider.ts"
export type { AnthropicOptions, AnthropicThinking, LoadAnthropicSdk } from "./providers/anthropic/options.ts"
export type { ProviderChoice, ProviderOptions } from "./providers/choose/choose-provider.ts"
export type { FallbackChoice } from "./providers/choose/fallback-models.ts"
export type { NamedProviderOptions, ProviderConfig, ProviderName } from "./providers/choose/named-provider.ts"
export type { ModelOptions } from "./providers/choose/options.ts"
export { type DemoProviderOptions, demoProvider } from "./providers/demo/demo-provider.ts"
export { openAiChatProvider } from "./providers/openai/openai-chat-provider.ts"
export { openAiProvider } from "./providers/openai/openai-provider.ts"
export type {
  LoadOpenAiSdk,
  OpenAiChatOptions,
  OpenAiConnectionOptions,
  OpenAiOptions,
  OpenAiReasoning,
  ReasoningField,
} from "./providers/openai/options.ts"
export type { AiSdkAgent, AiSdkCall, AiSdkFunction, AiSdkStream } from "./runners/ai-sdk/ai-sdk-runner.ts"
export { aiSdkRunner } from "./runners/ai-sdk/ai-sdk-runner.ts"
export type { AiSdkApprovalPart, AiSdkMessage } from "./runners/ai-sdk/model-messages.ts"
export { claudeAgentRunner } from "./runners/claude-agent/claude-agent-runner.ts"
export type {
  ClaudeAgentApproval,
  ClaudeAgentOptions,
  ClaudeAgentQuery,
} from "./runners/claude-agent/options.ts"
export type { InterruptQuestion } from "./runners/langgraph/interrupts.ts"
export type { LangGraph, LangGraphOptions } from "./runners/langgraph/langgraph-runner.ts"
export { langGraphRunner } from "./runners/langgraph/langgraph-runner.ts"
export { type OpenAiAgentsSdk, openAiAgentsRunner } from "./runners/openai-agents/openai-agents-runner.ts"
export type { OpenAiAgentsEvent } from "./runners/openai-agents/stream-events.ts"
export type { RunnerOptions } from "./runners/runner-options.ts"
export type { SandboxConfig } from "./sandbox/config.ts"
export type { SandboxLimits } from "./sandbox/limits.ts"
export type { SandboxNetwork } from "./sandbox/options.ts"
export type { AllowedSchedules, ScheduleDefinition, SchedulesOptions } from "./schedules/options.ts"
export type { ScheduleTerms } from "./schedules/terms.ts"
export type { LiveBounds, SessionOptions, StorageBounds } from "./sessions/options.ts"
export { loadSkills } from "./skills/load/load-skills.ts"
export type { SkillOptions } from "./skills/options.ts"
export type { Skill, SkillAgent, SkillFile, SkillMistake, SkillSet } from "./skills/skill.ts"
export { type SkillStateOptions, SkillStateStore } from "./skills/state/skill-state-store.ts"
export { loadState, type StateFileOptions, saveState } from "./state-files/state-file.ts"
export { extractStateUpdate, type StateUpdate } from "./state-files/state-update.ts"
export type { StoreOptions } from "./stores/options.ts"
export type {
  BackgroundEnd,
  BackgroundHookOptions,
  BackgroundStart,
  SubAgentOptions,
} from "./sub-agents/options.ts"
export { createLogger, type LogDestination, type LoggerOptions, type LogLevel } from "./telemetry/logger.ts"
export type { TelemetryOptions } from "./telemetry/options.ts"
export type { InferInput, InputSchema } from "./tools/input-schema.ts"
export type { BackendToolDefinition, ClientToolDefinition, ToolDefinition } from "./tools/local-tool.ts"
export { tool } from "./tools/local-tool.ts"
export type { ToolOptions } from "./tools/options.ts"
// biome-ignore format: a line for each name would be too many.
export type { StandardIssue, StandardOutput, StandardResult, StandardSchema } from "./tools/standard-schema.ts"
export { content, type ToolContent } from "./tools/tool-content.ts"
export type { MarkedToolResult, ToolErrorOptions, ToolResultOptions } from "./tools/tool-result.ts"
export { toolError, toolResult } from "./tools/tool-result.ts"
export { type ChildOptions, type InputOptions, type SleepOptions, type ToolWait, wait } from "./tools/wait.ts"
export type { TranscriptOptions } from "./transcripts/options.ts"
