import { ConfigurationError } from "../../core/errors.ts"
import {
  type Audience,
  type Plugin,
  type PluginCheck,
  type PluginParts,
  type PluginServices,
  sessionRemovedKind,
} from "../../core/ports/plugin.ts"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { closeSessionMs } from "./close-session.ts"
import { type McpEnvironment, readConfiguredServers } from "./config/configured-servers.ts"
import type { ServerConfig } from "./config/server-config.ts"
import { createLoadedServers } from "./loaded-servers.ts"
import type { Authorizations } from "./oauth/authorizations.ts"
import type { McpAuthorizationOptions, McpOptions } from "./options.ts"
import type { McpServerState } from "./server.ts"
import type { McpServers } from "./servers.ts"
import { findUnknownOverrides } from "./unknown-overrides.ts"

const clientName = "ai-agent-gateway"

/** Milliseconds for the rest of `openRun`, after the last server has started or failed. */
const openMarginMs = 5_000

/**
 * Creates the plugin that gives an agent the tools of its MCP servers. Starts the servers without waiting for them.
 */
export function mcpPlugin(
  options: McpOptions & McpAuthorizationOptions,
  environment: McpEnvironment,
): Plugin {
  return {
    name: "mcp",
    // A tool of a server gives way to their tools of the same name.
    after: ["code_execution", "skills"],
    async setup(services) {
      const configs = await readConfiguredServers(options, environment)
      if (configs.length === 0) return {}
      requireKnownUsers(configs, services)
      const authorizations = await openAuthorizations(configs, options.mcpOAuthRedirectUrl ?? null, services)
      // The client of MCP is a fifth of all code that a start would load, and only agents with servers need it.
      const { startMcpServers } = await import("./servers.ts")
      const servers = startMcpServers({
        configs,
        identity: { name: clientName, version: services.version },
        logger: services.logger,
        checkSchema: services.checkSchema,
        authorize: (config, principal) => authorizations?.authorize(config, principal) ?? null,
      })
      return createParts(configs, servers, {
        findOffered: createLoadedServers({ configs, ...services }),
        authorizations,
        overrides: Object.keys(options.mcpTimeoutOverrides ?? {}),
      })
    },
  }
}

function createParts(
  configs: readonly ServerConfig[],
  servers: McpServers,
  {
    findOffered,
    authorizations,
    overrides,
  }: {
    readonly findOffered: ReturnType<typeof createLoadedServers>
    readonly authorizations: Authorizations | null
    readonly overrides: readonly string[]
  },
): PluginParts {
  return {
    openRunTimeoutMs: Math.min(
      Math.max(...configs.map(({ startTimeoutMs }) => startTimeoutMs)) + openMarginMs,
      longestTimerMs,
    ),
    async openRun({ session, role, showStatus, signal }) {
      const offered = await findOffered({ session, role, signal })
      const view = await servers.open(session, { showStatus, signal, isOffered: offered.isOffered })
      return {
        tools: (taken) => view.tools(taken),
        instructions: view.instructions(),
        ...(configs.some(({ onDemand }) => onDemand) && {
          transformToolResult(result, call) {
            offered.note(result, call)
            return result
          },
        }),
      }
    },
    ...(configs.some(({ injectsSession }) => injectsSession) && {
      outbox: {
        [sessionRemovedKind]: {
          timeoutMs: closeSessionMs,
          deliver: ({ sessionId }, { signal }) => servers.closeSession(sessionId, signal),
        },
      },
    }),
    ...(authorizations && { findAuthorization: (callback) => authorizations.find(callback) }),
    checks(audience) {
      const states = Object.entries(servers.states())
      return [
        ...states.map(([part, state]) => ({ part, ...checkServer(state, audience) })),
        ...checkOverrides(overrides, servers, audience),
      ]
    },
    toolSources: () => servers.sources(),
    isStarting: () => Object.values(servers.states()).some(({ status }) => status === "starting"),
    interrupt: () => servers.close(),
    close: () => servers.close(),
  }
}

function checkOverrides(
  overrides: readonly string[],
  servers: McpServers,
  { isOperator }: Audience,
): readonly PluginCheck[] {
  if (overrides.length === 0) return []
  const unknown = findUnknownOverrides(overrides, servers.sources())
  const detail = isOperator
    ? `No server and no tool is named ${unknown.join(", ")}. Use SERVER, TOOL or SERVER__TOOL.`
    : "unknown names"
  const part = "mcpTimeoutOverrides"
  return [unknown.length === 0 ? { part, ok: true } : { part, ok: false, detail }]
}

function checkServer(state: McpServerState, { showsLinks, isOperator }: Audience): PluginCheck {
  if (state.status === "ready") return { ok: true }
  const link = state.status === "needs_reauth" && showsLinks ? state.url : null
  const reason = state.status === "failed" && isOperator ? state.reason : null
  return { ok: false, detail: [state.status, link ?? reason].filter((part) => part !== null).join(": ") }
}

/** Resolves to null if no server can request authorization, or if there is no key to encrypt its tokens. */
async function openAuthorizations(
  configs: readonly ServerConfig[],
  redirectUrl: string | null,
  { openSecrets, clock, logger }: PluginServices,
): Promise<Authorizations | null> {
  const remote = configs.filter(({ transport }) => transport.type !== "stdio")
  const wantsOAuth = remote.some(({ transport }) => transport.type !== "stdio" && transport.oauth.grant)
  if (remote.length === 0 || (redirectUrl === null && !wantsOAuth)) return null
  const secrets = await openSecrets()
  if (secrets === null) {
    logger.warn(
      {},
      "OAuth for MCP servers is disabled, because there is no key to encrypt their tokens. Set " +
        "secretsKey or AGENT_GATEWAY_SECRETS_KEY.",
    )
    return null
  }
  const { createAuthorizations } = await import("./oauth/authorizations.ts")
  return createAuthorizations({ configs, secrets, clock, redirectUrl, clientName, logger })
}

function requireKnownUsers(configs: readonly ServerConfig[], { knowsUsers }: PluginServices): void {
  const own = configs.find(({ perUser }) => perUser !== null)
  if (own === undefined || knowsUsers) return
  throw new ConfigurationError(
    `The MCP server ${own.name} is perUser, which requires validApiKeys or authenticate, so that users are known.`,
  )
}
