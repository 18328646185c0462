import type { CodeExecutionConfig } from "../../code-execution/options.ts"
import type { CompactionOptions } from "../../compaction/options.ts"
import type { Ids } from "../../core/ids.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Plugin } from "../../core/ports/plugin.ts"
import type { ToolSpecification } from "../../core/ports/provider.ts"
import type { Principal, Session } from "../../core/ports/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { AuthenticatePerson } from "../../http/auth/identify.ts"
import type { HttpLimits, RateLimits } from "../../http/limits/http-limits.ts"
import type { LargeResultsOptions } from "../../large-results/options.ts"
import type { McpAuthorizationOptions, McpOptions } from "../../mcp/options.ts"
import type { MemoryChoice } from "../../memory/options.ts"
import type { SchedulesOptions } from "../../schedules/options.ts"
import type { StorageBounds } from "../../sessions/storage.ts"
import type { SkillOptions } from "../../skills/options.ts"
import type { SubAgentOptions } from "../../sub-agents/options.ts"
import type { HookOptions, Hooks } from "../hooks/hooks.ts"
import type { StoreChoice } from "../open-store.ts"
import type { ConsoleOptions } from "./console-options.ts"
import type { SecretsOptions } from "./secrets-key.ts"

/** Options of a server with one agent, whatever that agent is. All are optional. */
export interface ServerOptions extends SharedServerOptions, AgentServerOptions {
  /** Sessions remember it; a process only takes up sessions of the agent it serves. Default `agent`. */
  readonly name?: string
}

/** Returns true if the client of the session may declare the tool. Must not take long: it is asked for each tool. */
export type AllowClientTool = (tool: ToolSpecification, session: Session) => boolean

/** Options of the server that each agent has for itself. */
export interface AgentServerOptions
  extends McpOptions,
    SchedulesOptions,
    SkillOptions,
    CompactionOptions,
    LargeResultsOptions {
  /**
   * Models that clients may choose; then they also may in place of the agent's `model`. Default: any if the agent has
   * no `model`, else none: it is always the agent's.
   */
  readonly allowedModels?: readonly string[]
  /**
   * If true, clients may declare tools of their own with `POST /chat`, which they execute themselves. A function
   * decides over each such tool. Not for runners. Default false.
   */
  readonly allowClientTools?: boolean | AllowClientTool
  /** Gives the model tools to run code with, in a sandbox where there is one. Default false. */
  readonly codeExecution?: boolean | CodeExecutionConfig
  /**
   * Gives the model a memory of each user that outlives sessions. Needs `validApiKeys` or `authenticate`. Default
   * false.
   */
  readonly memory?: MemoryChoice
  /** Gives the model tools to hand tasks to sub-agents, which work in sessions of their own. Default false. */
  readonly subAgents?: boolean | SubAgentOptions
  /** Features that this agent has besides the built-in ones. They open after those, in this order. Default none. */
  readonly plugins?: readonly Plugin[]
}

/** Options of the server that all of its agents share. */
export interface SharedServerOptions extends StoreChoice, Hooks, McpAuthorizationOptions, SecretsOptions {
  /** Default `/api`. */
  readonly prefix?: string
  /** Default: any key that is not empty is accepted, with a warning at the start. */
  readonly validApiKeys?: readonly string[]
  /**
   * An identity provider of one's own in place of API keys: who sent this request to `/chat/init`, or null. A rejection
   * answers 503.
   */
  readonly authenticate?: AuthenticatePerson
  /** Signs session tokens; at least 32 bytes. Default: generated and kept in the store. */
  readonly jwtSecret?: string
  /** A token's life, not a session's. Default 3600. */
  readonly sessionTtlSeconds?: number
  /** Days until a session is dropped, counted from its last run. Default 30. */
  readonly sessionRetentionDays?: number
  /**
   * Seconds that streamed pieces of a turn are kept once the turn is complete, for clients that reconnect. After that,
   * such a client receives the text as a whole. Default 600.
   */
  readonly keepDeltasSeconds?: number
  /** If true, clients may send `system` messages. Default false. */
  readonly allowSystemMessages?: boolean
  /**
   * Lets `listen` use an address that other machines reach although any API key is accepted. Anyone who reaches it can
   * then use the agent. Default false: such a start is refused.
   */
  readonly allowAnyKey?: boolean
  /**
   * Host names that requests may be for, besides loopback names, addresses and names without a dot; `"*"` for every
   * name. Default: checked only on the gateway's own server while any API key is accepted, and with `dev`.
   */
  readonly allowedHosts?: readonly string[]
  /**
   * Serves the console at `/console`. With `dev` it is on, and for this machine only. Elsewhere it is off by default,
   * and operators sign in with a key.
   */
  readonly console?: boolean | ConsoleOptions
  /** Origins whose pages may call. Default none. */
  readonly corsOrigins?: readonly string[]
  /**
   * Request headers that pages of other origins may send, besides those of the gateway's API: for a proxy before the
   * gateway, or for routes of plugins. Default none.
   */
  readonly corsAllowHeaders?: readonly string[]
  /** Methods that pages of other origins may use, besides `GET`, `POST` and `DELETE`. Default none. */
  readonly corsAllowMethods?: readonly ("HEAD" | "PATCH" | "PUT")[]
  readonly limits?: Partial<HttpLimits & StorageBounds>
  /** Requests a minute, counted in each process. False for no limits. */
  readonly rateLimits?: false | Partial<RateLimits>
  /** Number of proxies before the gateway, each of which appends to `X-Forwarded-For`. Default 0. */
  readonly trustProxy?: number
  /** Runs this process works on at once; further ones wait. Default 1000. */
  readonly maxConcurrentRuns?: number
  /**
   * Runs of one user that this process works on at once; further ones wait. Default: a quarter of
   * `maxConcurrentRuns`.
   */
  readonly maxConcurrentRunsPerPrincipal?: number
  /**
   * Runs of one tenant that this process works on at once, if it had runs of other tenants in the last ten minutes;
   * further ones wait. A tenant alone may have all places but those for new tenants. Default: three quarters of
   * `maxConcurrentRuns`.
   */
  readonly maxConcurrentRunsPerTenant?: number
  /**
   * The last of the places for runs. Only a tenant without a run in this process receives one of them, so that a new
   * tenant does not wait while others fill the process. Default: a twentieth of `maxConcurrentRuns`, rounded down.
   */
  readonly placesForNewTenants?: number
  /**
   * Milliseconds that one call of an approval policy, an interceptor, a tool's validator, `buildChatRuntime`,
   * `resolveCredentials`, `onSessionCreated` or another hook may take. Default 30 000. The function's signal is aborted
   * then, and the call counts as failed.
   */
  readonly callbackTimeoutMs?: number
  /**
   * Milliseconds that active runs may continue after `close()` or SIGTERM; the rest is parked and resumes at the next
   * start. Default 20 000. Closing takes up to five seconds more.
   */
  readonly shutdownGraceMs?: number
  /**
   * Called once everything is open and before the first request is answered. A rejection stops the start. The signal is
   * aborted when the gateway is closed meanwhile.
   */
  readonly onStartup?: (options: HookOptions) => void | Promise<void>
  /** Called once no run is active any more. The gateway waits for it for two seconds. */
  readonly onShutdown?: (options: HookOptions) => void | Promise<void>
  /** Called with each new session, before the client receives its token. */
  readonly onSessionCreated?: (
    session: { readonly id: string; readonly agent: string } & Principal,
    options: HookOptions,
  ) => void | Promise<void>
  /**
   * Directory for transcripts: the events of each session as JSON lines, in a file of its own that is rotated at 10
   * MB. Created if it is missing; files are readable by their owner only. Default: no transcripts.
   */
  readonly transcriptDir?: string
  /** Default: JSON lines on standard error, without secrets. */
  readonly logger?: Logger
  /**
   * Names of fields that are secrets, in any spelling of case and separators. The default logger masks them, and so
   * do the arguments, results and live output of tool calls that clients are shown, and all of transcripts, along
   * with whatever looks like a key. The model and the tools have them as they are. Default: none, and only logs are
   * redacted.
   */
  readonly redact?: readonly string[]
  /** For tests. */
  readonly clock?: Clock
  /** For tests. */
  readonly ids?: Ids
}

/** Returns false while any API key is let in: then a user is whoever a client says. */
export function knowsUsers({ validApiKeys, authenticate }: SharedServerOptions): boolean {
  return validApiKeys !== undefined || authenticate !== undefined
}
