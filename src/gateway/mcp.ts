import { resolve } from "node:path"
import type { Clock } from "../core/clock.ts"
import { ConfigurationError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import type { Secrets } from "../core/ports/secrets.ts"
import type { McpServerDefinitions } from "../mcp/config/definition.ts"
import { parseDefinitions } from "../mcp/config/parse-definitions.ts"
import { readConfigFile } from "../mcp/config/read-config-file.ts"
import { type ServerConfig, toServerConfigs } from "../mcp/config/server-config.ts"
import { type Authorizations, createAuthorizations } from "../mcp/oauth/authorizations.ts"
import { type McpServers, startMcpServers } from "../mcp/servers.ts"
import { sealedSecrets } from "../stores/sealed-secrets.ts"
import { definedOnly } from "./defined-only.ts"
import type { EnvironmentSettings } from "./environment.ts"
import { knowsUsers, type SharedServerOptions } from "./gateway-options.ts"
import { secretsKey } from "./secrets-key.ts"

/** One agent's MCP servers, whose tools every run of the gateway's own loop has. */
export interface McpOptions {
  /** By name. They win over those of the same name in a file. */
  readonly mcpServers?: McpServerDefinitions
  /**
   * A file in the form of `~/.claude.json` or `.mcp.json`, with `${NAME}` and `${NAME:-default}` expanded from the
   * environment. Default: `MCP_CONFIG_PATH`; no file is read unasked.
   */
  readonly mcpConfigPath?: string
  /** Milliseconds for a call. Default 30 000. */
  readonly mcpDefaultToolTimeoutMs?: number
  /** Milliseconds by tool: `TOOL`, or `SERVER__TOOL`, which wins. They win over all other time limits. */
  readonly mcpTimeoutOverrides?: Readonly<Record<string, number>>
  /** Servers whose tools are given the session's id as `_session_id`, which the model neither sees nor sets. */
  readonly mcpSessionInjectServers?: readonly string[]
}

/** Options of the server for the MCP servers of all its agents. */
export interface McpAuthorizationOptions {
  /**
   * The gateway's `PREFIX/mcp/oauth/callback` as browsers reach it, for servers that want OAuth 2.1. Default: such
   * servers are only reached with client credentials.
   */
  readonly mcpOAuthRedirectUrl?: string
}

/** Returns the options of MCP servers alone. */
export function pickMcpOptions(options: McpOptions): McpOptions {
  return definedOnly<McpOptions>({
    mcpServers: options.mcpServers,
    mcpConfigPath: options.mcpConfigPath,
    mcpDefaultToolTimeoutMs: options.mcpDefaultToolTimeoutMs,
    mcpTimeoutOverrides: options.mcpTimeoutOverrides,
    mcpSessionInjectServers: options.mcpSessionInjectServers,
  })
}

/** The servers, and what a browser comes back to. */
export interface GatewayMcp extends McpServers {
  /** Null where no server can ask for authorization. */
  readonly complete: Authorizations["complete"] | null
}

export interface McpSurroundings {
  readonly server: SharedServerOptions
  readonly secrets: Secrets
  /** Sets the tokens of this agent's servers apart from those of other agents. Empty where there is one agent. */
  readonly scope: string
  readonly clock: Clock
  readonly settings: EnvironmentSettings
  readonly version: string
  readonly checkSchema: SchemaCheck
  readonly logger: Logger
}

/** The servers of the options and of the file. Throws a `ConfigurationError` for what is wrong in them. */
export async function mcpConfigs(
  options: McpOptions,
  { env, mcpConfigPath }: EnvironmentSettings,
): Promise<readonly ServerConfig[]> {
  const { mcpServers = {}, mcpDefaultToolTimeoutMs: defaultToolTimeoutMs = 30_000 } = options
  const path = options.mcpConfigPath ?? mcpConfigPath
  const own = parseDefinitions(mcpServers, { name: "mcpServers", unknownKeys: "refused" })
  const cwd = resolve()
  const filed = path === undefined ? {} : await readConfigFile({ path, cwd, environment: env })
  return toServerConfigs(
    { ...filed, ...own },
    {
      defaultToolTimeoutMs,
      timeoutOverrides: options.mcpTimeoutOverrides ?? {},
      sessionInjectServers: options.mcpSessionInjectServers ?? [],
    },
  )
}

/** Starts one agent's servers, without waiting for any. */
export async function startMcp(options: McpOptions, surroundings: McpSurroundings): Promise<GatewayMcp> {
  const { server, settings, version, checkSchema, logger } = surroundings
  const configs = await mcpConfigs(options, settings)
  requireKnownUsers(configs, server)
  const authorizations = await openAuthorizations(configs, surroundings)
  const servers = startMcpServers({
    configs,
    identity: { name: clientName, version },
    logger,
    checkSchema,
    authorize: (config, principal) => authorizations?.authorize(config, principal) ?? null,
  })
  return { ...servers, complete: authorizations?.complete ?? null }
}

const clientName = "ai-agent-gateway"

/** Null when no server can want it, or there is no key to keep its tokens with. */
async function openAuthorizations(
  configs: readonly ServerConfig[],
  { server, settings, secrets, scope, clock, logger }: McpSurroundings,
): Promise<Authorizations | null> {
  const remote = configs.filter(({ transport }) => transport.type !== "stdio")
  const { mcpOAuthRedirectUrl: redirectUrl = null, store, secretsKey: ownKey = settings.secretsKey } = server
  const wantsOAuth = remote.some(({ transport }) => transport.type !== "stdio" && transport.oauth.grant)
  if (remote.length === 0 || (redirectUrl === null && !wantsOAuth)) return null
  const key = await secretsKey({ store, ...(ownKey !== undefined && { secretsKey: ownKey }) })
  if (key === null) {
    logger.warn({}, "MCP servers cannot be authorized at: set secretsKey, to keep their tokens with")
    return null
  }
  return createAuthorizations({
    configs,
    secrets: scopedSecrets(sealedSecrets(secrets, key), scope),
    clock,
    redirectUrl,
    clientName,
    logger,
  })
}

function requireKnownUsers(configs: readonly ServerConfig[], server: SharedServerOptions): void {
  const own = configs.find(({ perUser }) => perUser !== null)
  if (own === undefined || knowsUsers(server)) return
  throw new ConfigurationError(
    `The MCP server ${own.name} is perUser, which needs validApiKeys or authenticate: users must be known.`,
  )
}

/** The same secrets under names that begin with the scope: a server of the same name and address is another agent's. */
function scopedSecrets(secrets: Secrets, scope: string): Secrets {
  return {
    get: (name) => secrets.get(scope + name),
    put: (name, value) => secrets.put(scope + name, value),
    replace: (name, expected, value) => secrets.replace(scope + name, expected, value),
    remove: (name) => secrets.remove(scope + name),
  }
}
