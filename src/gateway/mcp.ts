import { resolve } from "node:path"
import type { Logger } from "../core/ports/logger.ts"
import type { McpServerDefinitions } from "../mcp/config/definition.ts"
import { parseDefinitions } from "../mcp/config/parse-definitions.ts"
import { readConfigFile } from "../mcp/config/read-config-file.ts"
import { type ServerConfig, toServerConfigs } from "../mcp/config/server-config.ts"
import { type McpServers, startMcpServers } from "../mcp/servers.ts"
import type { EnvironmentSettings } from "./environment.ts"

/** MCP servers, whose tools every run of the gateway's own loop has. */
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

export interface McpSurroundings {
  readonly settings: EnvironmentSettings
  readonly version: string
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

/** Begins to start them, and waits for none. */
export async function startMcp(
  options: McpOptions,
  { settings, version, logger }: McpSurroundings,
): Promise<McpServers> {
  return startMcpServers({
    configs: await mcpConfigs(options, settings),
    identity: { name: "ai-agent-gateway", version },
    logger,
    authorize: () => null,
    elicit: null,
  })
}
