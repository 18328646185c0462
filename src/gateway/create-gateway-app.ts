import { ConfigurationError } from "../core/errors.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { ToolSpecification } from "../core/ports/provider.ts"
import type { Session } from "../core/ports/session-log.ts"
import type { RunRole } from "../core/run-role.ts"
import { type HttpOptions, knowsUsers } from "../http/options.ts"
import type { ProviderOptions } from "../providers/choose/choose-provider.ts"
import { runtimeAgent } from "./agent-definition.ts"
import { assembleGateway } from "./assemble-gateway.ts"
import type { ChatRuntime } from "./chat-runtime.ts"
import type { ResolveCredentials } from "./credentials.ts"
import type { Gateway } from "./gateway.ts"
import { resolveGatewayApp } from "./options/agent-options.ts"
import type { AgentServerOptions, ServerOptions } from "./options/gateway-options.ts"

export interface GatewayAppOptions extends ServerOptions, RuntimeAgentOptions {}

/** Options of an agent with a runtime of the application's own, without those of the server. */
export interface RuntimeAgentOptions extends AgentServerOptions, Omit<ProviderOptions, "provider"> {
  /**
   * Gives what each run is executed with. A rejection, or options that are unknown or wrong, end that run in `error`.
   * A runtime in place of a function is that of every run, and what is wrong with it stops the start.
   */
  readonly buildChatRuntime: ChatRuntime | BuildChatRuntime
  /** For runtimes without a provider of their own. Default: as for `createAgent`. */
  readonly defaultProvider?: ProviderOptions["provider"]
  /**
   * A user's own key for the model service: that of `defaultProvider`, which must be one by name, and by default
   * Anthropic's. Credentials that are neither null nor exactly one key or token end the run, and so does a runtime
   * that names another service, whose key would be the app's. Refused while any API key is let in: a session's user
   * must be known.
   */
  readonly resolveCredentials?: ResolveCredentials
}

export type BuildChatRuntime = (request: ChatRuntimeRequest) => ChatRuntime | Promise<ChatRuntime>

export interface ChatRuntimeRequest {
  readonly session: Session
  readonly runId: string
  /** `resume` when the run goes on after a restart or a wait: then there is no `request`. */
  readonly reason: "new" | "resume"
  /** From the client's `context.channel`. */
  readonly channel: string | null
  readonly context: JsonObject
  /** The model the client asked for. */
  readonly model: string | null
  /** W3C Trace Context of the request that caused the run; null if it had none, or an invalid one. */
  readonly traceparent: string | null
  /** Tools that the client declared. The gateway adds them to the runtime's own if `allowClientTools` is set. */
  readonly clientTools: readonly ToolSpecification[]
  /** The role of a sub-agent, which the gateway applies to the runtime; null for a run of the agent itself. */
  readonly role: RunRole | null
  /** The HTTP request, when new and accepted by this very process. */
  readonly request?: Request
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}

/** The lower level: a runtime of your own making for every run. `createAgent` is written on top of it. */
export function createGatewayApp(options: GatewayAppOptions): Gateway {
  const resolved = resolveGatewayApp(options)
  requireKnownUsers("createGatewayApp", resolved.resolveCredentials, resolved)
  return assembleGateway({ server: resolved, agents: [runtimeAgent(resolved.name, resolved)] })
}

/** Throws a `ConfigurationError` for credentials of users who are not known. */
export function requireKnownUsers(
  caller: string,
  resolveCredentials: ResolveCredentials | undefined,
  server: HttpOptions,
): void {
  if (resolveCredentials === undefined || knowsUsers(server)) return
  throw new ConfigurationError(`${caller}: resolveCredentials needs validApiKeys or authenticate.`)
}
