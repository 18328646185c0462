export type { ApprovalPolicy, InterceptedCall, Interception, Interceptor } from "./approvals/interceptor.ts"
export { type PathAllowlist, pathAllowlist } from "./approvals/path-allowlist.ts"
export { rateLimitInterceptor, type ToolRateLimit } from "./approvals/rate-limit.ts"
export type {
  AgentRuntime,
  RunHooks,
  Runner,
  RunnerEvent,
  RunnerRequest,
  ToolReport,
  ToolTiming,
  UsageReport,
} from "./core/agent-runtime.ts"
export type { Entry, Event, EventEntry } from "./core/entries.ts"
export { ConfigurationError, GatewayError } from "./core/errors.ts"
export type { Json, JsonObject } from "./core/json.ts"
export type { ContentPart, ImagePart, Message, TextPart } from "./core/messages.ts"
export type { AuditRecord, Grant, Wait } from "./core/ports/approvals.ts"
export type { Logger } from "./core/ports/logger.ts"
export type { ModelEvent, ModelRequest, Provider, SystemBlock } from "./core/ports/provider.ts"
export type { SessionLog } from "./core/ports/session-log.ts"
export type { Store } from "./core/ports/store.ts"
export type { Tool, ToolContext, ToolResult } from "./core/ports/tool.ts"
export type { Usage } from "./core/usage.ts"
export type { GatewayApprovals } from "./gateway/approvals.ts"
export type { ChatModelRuntime, ChatRunnerRuntime, ChatRuntime } from "./gateway/chat-runtime.ts"
export { type AgentOptions, createAgent } from "./gateway/create-agent.ts"
export {
  type ChatRuntimeRequest,
  createGatewayApp,
  type GatewayAppOptions,
} from "./gateway/create-gateway-app.ts"
export type {
  CloseOptions,
  Gateway,
  GatewayRunResult,
  Listener,
  ListenOptions,
  PrepareOptions,
  RunOptions,
} from "./gateway/gateway.ts"
export type { ServerOptions } from "./gateway/gateway-options.ts"
export { createLogger, type LoggerOptions } from "./telemetry/logger.ts"
export { type ToolDefinition, tool } from "./tools/local-tool.ts"
export { content } from "./tools/tool-content.ts"
