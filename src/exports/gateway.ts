/**
 * The gateway, its options, and the options of its features.
 *
 * @module gateway
 */

export type { GatewayErrorOptions } from "../core/errors.ts"
export {
  ConfigurationError,
  GatewayError,
  StoreUnavailableError,
  UndeliverableError,
} from "../core/errors.ts"
export type { Readiness } from "../core/ports/readiness.ts"
export type { ScheduleTerms } from "../core/schedule.ts"
export type { ChatEvent } from "../core/wire/chat-event.ts"
export type { ImageBlock, TextBlock, Usage as WireUsage } from "../core/wire/content.ts"
export type { DeliveryResult } from "../features/delivery/deliver.ts"
export type {
  Delivery,
  DeliveryOptions,
  EmailOptions,
  SlackOptions,
  StoredDelivery,
  TelegramFile,
  TelegramOptions,
  WebhookOptions,
} from "../features/delivery/options.ts"
export { delivery } from "../features/delivery/plugin.ts"
export { type SendTelegramOptions, sendTelegram, type TelegramChat } from "../features/delivery/telegram.ts"
export type { OnUnknown } from "../features/delivery/unknown-outcome.ts"
export type { LargeResultsOptions, LargeResultsSettings } from "../features/large-results/options.ts"
export type {
  CallOptions,
  ForgetOptions,
  Memories,
  MemoryChange,
  MemoryInput,
  MemoryListOptions,
  MemoryName,
  MemoryQuery,
  RememberedMemory,
} from "../features/memory/memories.ts"
export type { MemoryChoice, MemoryOptions } from "../features/memory/options.ts"
export {
  MarkdownSyncManager,
  type MarkdownSyncOptions,
  type WatchOptions,
} from "../features/memory/sync/markdown-sync-manager.ts"
export type { SyncConflict, SyncProblem, SyncReport } from "../features/memory/sync/report.ts"
export type { AllowedSchedules, ScheduleDefinition, SchedulesOptions } from "../features/schedules/options.ts"
export type {
  BackgroundEnd,
  BackgroundHookOptions,
  BackgroundStart,
  SubAgentOptions,
} from "../features/sub-agents/options.ts"
export type { MetricsOptions } from "../features/telemetry/metrics/options.ts"
export type { KeptRequestsOptions } from "../features/telemetry/requests/options.ts"
export type { TracesOptions, TracesSettings } from "../features/telemetry/traces/options.ts"
export type { TranscriptOptions } from "../features/transcripts/options.ts"
export type { ModelAgentOptions } from "../gateway/agent/agent-definition.ts"
export type { ChatModelRuntime, ChatRunnerRuntime, ChatRuntime } from "../gateway/agent/chat-runtime.ts"
export type { Credentials, ResolveCredentials } from "../gateway/agent/credentials.ts"
export { type AgentOptions, createAgent } from "../gateway/create-agent.ts"
export { createGateway, type GatewayAgent, type GatewayOptions } from "../gateway/create-gateway.ts"
export {
  type BuildChatRuntime,
  type ChatRuntimeRequest,
  createGatewayApp,
  type GatewayAppOptions,
  type RuntimeAgentOptions,
} from "../gateway/create-gateway-app.ts"
export type {
  ApprovalAnswer,
  CloseOptions,
  Gateway,
  GatewayRunResult,
  InferOutput,
  Listener,
  ListenOptions,
  LogOptions,
  OutputSchema,
  PrepareOptions,
  ReadinessOptions,
  RunOptions,
  ServedAgent,
  StreamOptions,
} from "../gateway/gateway.ts"
export type {
  EventHookOptions,
  HookOptions,
  Hooks,
  SessionHooks,
  SessionReport,
} from "../gateway/hooks/hooks.ts"
export type { ObserverOptions } from "../gateway/hooks/observers.ts"
export type { GatewayMemory, MemoryOwner } from "../gateway/operate/memory.ts"
export type { ModelProbe } from "../gateway/operate/probe-models.ts"
export type { GatewaySessions, ListOptions } from "../gateway/operate/sessions.ts"
export type {
  AnswerOptions,
  ApproveOptions,
  DenyOptions,
  ElicitationAnswer,
  GatewayWaits as GatewayApprovals,
  OpenWait,
} from "../gateway/operate/waits.ts"
export type { ConsoleOption } from "../gateway/options/console-options.ts"
export type {
  AgentServerOptions,
  AllowClientTool,
  ServerOptions,
  SharedServerOptions,
} from "../gateway/options/gateway-options.ts"
export type { ProcessOptions } from "../gateway/options/process-options.ts"
export type { SecretsOptions } from "../gateway/options/secrets-key.ts"
export type { ShutdownOptions } from "../gateway/options/shutdown-options.ts"
export type { WiresOption, WiresOptions } from "../gateway/options/wires-options.ts"
export type { ApiKey } from "../http/auth/api-keys.ts"
export type { AuthenticatePerson } from "../http/auth/identify.ts"
export type { Person } from "../http/auth/principal.ts"
export type { TokenOptions } from "../http/auth/token-options.ts"
export type { RequestLimits } from "../http/body/request-limits.ts"
export type {
  CustomWire,
  WireAnswer,
  WireHandler,
  WireMessage,
  WireRequest,
  WireRun,
  WireStream,
} from "../http/custom-wire.ts"
export type { HttpLimits } from "../http/limits/http-limits.ts"
export type { RateLimits } from "../http/limits/rate-limit-options.ts"
export type { CorsOptions } from "../http/middleware/cors-options.ts"
export type { OperatorKey, OperatorOptions } from "../http/operate/operators.ts"
export type { HttpOptions } from "../http/options.ts"
export type { Folded, Frame, ReplayStart, StreamEnd, SubAgentWire, Wire } from "../http/streams/wire.ts"
export type { WireClient } from "../http/wire-client.ts"
export type { LoopOptions } from "../kernel/agent/options.ts"
export type { WaitOptions } from "../kernel/approvals/options.ts"
export type { CompactionOptions, CompactionSettings } from "../kernel/compaction/options.ts"
export type { LiveBounds, SessionOptions, StorageBounds } from "../kernel/sessions/options.ts"
export type { ParkedWait } from "../kernel/sessions/reading/view-end.ts"
export type { SubAgent } from "../kernel/sessions/tree/sub-agent.ts"
export type { TaskProgress } from "../kernel/sessions/tree/task-progress.ts"
export type { OperationInput, OperationName, OperationOutput } from "../operations/operations.ts"
export type { GatewaySchedules, NewScheduleRequest } from "../operations/schedules.ts"
export type { OperatorScope } from "../operations/scopes.ts"
export {
  createLogger,
  type LogDestination,
  type LoggerOptions,
  type LogLevel,
} from "../platform/logging/logger.ts"
export type { TelemetryOptions } from "../platform/logging/options.ts"
