import { z } from "zod"
import { type StoreOptions, storeOptions } from "../../adapters/stores/options.ts"
import type { ToolSpecification } from "../../core/ports/model/provider.ts"
import type { Plugin } from "../../core/ports/plugin.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
import { type LargeResultsOptions, largeResultsSchemas } from "../../features/large-results/options.ts"
import {
  type McpAuthorizationOptions,
  type McpOptions,
  mcpAuthorizationOptions,
  mcpOptions,
} from "../../features/mcp/options.ts"
import { type MemoryChoice, memorySchema } from "../../features/memory/options.ts"
import {
  type CodeExecutionConfig,
  codeExecutionSchema,
} from "../../features/sandbox/code-execution/options.ts"
import { type SchedulesOptions, schedulesSchemas } from "../../features/schedules/options.ts"
import { type SkillOptions, skillOptions } from "../../features/skills/options.ts"
import { type SubAgentOptions, subAgentsSchema } from "../../features/sub-agents/options.ts"
import { type MetricsOptions, metricsOptions } from "../../features/telemetry/metrics/options.ts"
import { type KeptRequestsOptions, keptRequestsOptions } from "../../features/telemetry/requests/options.ts"
import { type TracesOptions, tracesOptions } from "../../features/telemetry/traces/options.ts"
import { type TranscriptOptions, transcriptOptions } from "../../features/transcripts/options.ts"
import { type HttpLimits, httpLimits } from "../../http/limits/http-limits.ts"
import { type OperatorOptions, operatorOptions } from "../../http/operate/operators.ts"
import { type HttpOptions, httpOptions } from "../../http/options.ts"
import { type CompactionOptions, compactionSchemas } from "../../kernel/compaction/options.ts"
import {
  type LiveBounds,
  type SessionOptions,
  type StorageBounds,
  sessionOptions,
  storageBounds,
} from "../../kernel/sessions/options.ts"
import { type TelemetryOptions, telemetryOptions } from "../../platform/logging/options.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { createFunctionSchema, texts } from "../../platform/options/schemas.ts"
import { type Hooks, hookOptions, type SessionHooks, sessionHookOptions } from "../hooks/hooks.ts"
import { type ObserverOptions, observerOptions } from "../hooks/observers.ts"
import { type ConsoleOption, consoleOption } from "./console-options.ts"
import { type ProcessOptions, processOptions } from "./process-options.ts"
import { type SecretsOptions, secretsOptions } from "./secrets-key.ts"
import { type WiresOption, wiresOption } from "./wires-options.ts"

/** Options of a server with one agent, whatever kind of agent it is. All are optional. */
export interface ServerOptions extends SharedServerOptions, AgentServerOptions {
  /**
   * Name of the agent. It is stored with sessions, and a process only works on sessions of its agent. Default
   * `agent`.
   */
  readonly name?: string
}

/** Options of the server for all of its agents. */
export interface SharedServerOptions
  extends HttpOptions,
    SessionOptions,
    StoreOptions,
    SecretsOptions,
    ConsoleOption,
    OperatorOptions,
    Hooks,
    SessionHooks,
    ObserverOptions,
    MetricsOptions,
    TracesOptions,
    KeptRequestsOptions,
    ProcessOptions,
    TranscriptOptions,
    TelemetryOptions,
    McpAuthorizationOptions,
    WiresOption {
  /** Limits of requests, streams and storage. */
  readonly limits?: Partial<HttpLimits & StorageBounds & LiveBounds>
}

/**
 * Returns true if the client of the session may declare the tool. It must be fast, because it is called for each
 * tool.
 */
export type AllowClientTool = (tool: ToolSpecification, session: Session) => boolean

/** Options of the server for each single agent. */
export interface AgentServerOptions
  extends McpOptions,
    SchedulesOptions,
    SkillOptions,
    CompactionOptions,
    LargeResultsOptions {
  /**
   * Models that clients may choose in place of the agent's `model`. Default: any if the agent has no `model`.
   * Otherwise none, and the agent's model is always used.
   */
  readonly allowedModels?: readonly string[]
  /**
   * If true, clients may declare their own tools, and execute these tools. A function decides about each such tool.
   * Cannot be used with runners. Default: only holders of an API key may, with the protocols of OpenAI.
   */
  readonly allowClientTools?: boolean | AllowClientTool
  /** If true, gives the model tools to run code, in a sandbox if one is available. Default false. */
  readonly codeExecution?: boolean | CodeExecutionConfig
  /**
   * If true, gives the model a memory of each user that outlives sessions. Requires `validApiKeys` or `authenticate`.
   * Default false.
   */
  readonly memory?: MemoryChoice
  /**
   * If true, gives the model tools to delegate tasks to sub-agents, which work in their own sessions. Default false.
   */
  readonly subAgents?: boolean | SubAgentOptions
  /** Plugins of this agent in addition to the built-in ones. They open after those, in this order. Default: none. */
  readonly plugins?: readonly Plugin[]
}

const aPlugin = z.custom<Plugin>((value) => {
  const { name, setup } = Object(value) as { readonly [key: string]: unknown }
  return typeof name === "string" && typeof setup === "function"
}, "expected a plugin: an object with a name and a setup function")

/** The name is a path segment, so it must not be `.` or `..`. */
export const agentName = z
  .string()
  .regex(
    /^\w[\w.-]{0,63}$/,
    "expected 1 to 64 letters, digits, dots, dashes or underscores, not a dot or dash first",
  )

export const nameOption = declareOptions<Pick<ServerOptions, "name">>()({ name: agentName.default("agent") })

/** Schemas of the options that all agents of a server share. A feature adds its options with one line. */
export const sharedServerOptions = declareOptions<SharedServerOptions>()({
  ...httpOptions,
  ...sessionOptions,
  ...storeOptions,
  ...secretsOptions,
  ...consoleOption,
  ...operatorOptions,
  ...hookOptions,
  ...sessionHookOptions,
  ...observerOptions,
  ...metricsOptions,
  ...tracesOptions,
  ...keptRequestsOptions,
  ...processOptions,
  ...transcriptOptions,
  ...telemetryOptions,
  ...mcpAuthorizationOptions,
  ...wiresOption,
  limits: z.strictObject({ ...httpLimits, ...storageBounds }).prefault({}),
})

/** Schemas of the options that each agent has for itself. A feature adds its options with one line. */
export const agentServerOptions = declareOptions<AgentServerOptions>()({
  ...mcpOptions,
  ...schedulesSchemas,
  ...skillOptions,
  ...compactionSchemas,
  ...largeResultsSchemas,
  allowedModels: texts.optional(),
  allowClientTools: z.union([z.boolean(), createFunctionSchema<AllowClientTool>()]).optional(),
  codeExecution: codeExecutionSchema.default(false),
  memory: memorySchema.default(false),
  subAgents: subAgentsSchema.default(false),
  plugins: z.array(aPlugin).default([]),
})

export type ResolvedServer = Resolved<SharedServerOptions, typeof sharedServerOptions>
export type ResolvedAgentServer = Resolved<AgentServerOptions, typeof agentServerOptions>
