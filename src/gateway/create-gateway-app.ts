import type { ProviderOptions } from "../adapters/providers/choose/choose-provider.ts"
import { ConfigurationError } from "../core/errors.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { ToolSpecification } from "../core/ports/model/provider.ts"
import type { Session } from "../core/ports/store/session-log.ts"
import type { RunRole } from "../core/runs/run-role.ts"
import { type HttpOptions, knowsUsers } from "../http/options.ts"
import { createRuntimeAgent } from "./agent/agent-definition.ts"
import type { ChatRuntime } from "./agent/chat-runtime.ts"
import type { ResolveCredentials } from "./agent/credentials.ts"
import { assembleGateway } from "./assemble-gateway.ts"
import type { Gateway } from "./gateway.ts"
import { resolveGatewayApp } from "./options/agent-options.ts"
import type { AgentServerOptions, ServerOptions } from "./options/gateway-options.ts"

export interface GatewayAppOptions extends ServerOptions, RuntimeAgentOptions {}

/** Options of an agent with the application's own runtime, without the options of the server. */
export interface RuntimeAgentOptions extends AgentServerOptions, Omit<ProviderOptions, "provider"> {
  /**
   * Returns the parts that execute each run. If it rejects, or if options are unknown or wrong, the run ends in
   * `error`. A runtime in place of a function is used for every run, and its mistakes stop the start.
   */
  readonly buildChatRuntime: ChatRuntime | BuildChatRuntime
  /** Provider of runtimes that have none. Default: as for `createAgent`. */
  readonly defaultProvider?: ProviderOptions["provider"]
  /**
   * Returns a user's own key for the provider: that of `defaultProvider`, which must be given by name, or by default
   * Anthropic's. If the credentials are neither null nor exactly one key or token, the run ends in `error`. It also
   * does so if the runtime names another provider, whose key would be the application's. The option is refused while
   * any API key is accepted, because the user of a session must be known.
   */
  readonly resolveCredentials?: ResolveCredentials
}

export type BuildChatRuntime = (request: ChatRuntimeRequest) => ChatRuntime | Promise<ChatRuntime>

export interface ChatRuntimeRequest {
  readonly session: Session
  readonly runId: string
  /** `resume` if the run continues after a restart or a wait. There is then no `request`. */
  readonly reason: "new" | "resume"
  /** The channel in the client's `context.channel`. */
  readonly channel: string | null
  readonly context: JsonObject
  /** The model that the client requested. */
  readonly model: string | null
  /** W3C Trace Context of the request that caused the run. Null if the request had none, or an invalid one. */
  readonly traceparent: string | null
  /** Tools that the client declared. The gateway adds them to the runtime's own if `allowClientTools` allows it. */
  readonly clientTools: readonly ToolSpecification[]
  /** If true, the holder of an API key declared them. */
  readonly byKeyHolder: boolean
  /** Instructions of the client, which the gateway adds below the runtime's prompt. Null if there are none. */
  readonly instructions: string | null
  /** The role of a sub-agent, which the gateway applies to the runtime. Null for a run of the agent itself. */
  readonly role: RunRole | null
  /** The HTTP request, for a new run that this very process accepted. */
  readonly request?: Request
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}

/** Creates a gateway at the lower level, with a custom runtime for every run. `createAgent` is built on top of it. */
export function createGatewayApp(options: GatewayAppOptions): Gateway {
  const resolved = resolveGatewayApp(options)
  requireKnownUsers("createGatewayApp", resolved.resolveCredentials, resolved)
  return assembleGateway({ server: resolved, agents: [createRuntimeAgent(resolved.name, resolved)] })
}

/** Throws a `ConfigurationError` if users may have their own credentials, but are not known. */
export function requireKnownUsers(
  caller: string,
  resolveCredentials: ResolveCredentials | undefined,
  server: HttpOptions,
): void {
  if (resolveCredentials === undefined || knowsUsers(server)) return
  throw new ConfigurationError(`${caller}: resolveCredentials needs validApiKeys or authenticate.`)
}
