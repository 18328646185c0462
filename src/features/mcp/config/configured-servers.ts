import { resolve } from "node:path"
import { ConfigurationError } from "../../../core/errors.ts"
import { pickOptions, resolveOptions } from "../../../platform/options/resolve-options.ts"
import { type McpOptions, mcpOptions } from "../options.ts"
import type { McpServerDefinitions } from "./definition.ts"
import type { Environment } from "./expand-variables.ts"
import { parseDefinitions } from "./parse-definitions.ts"
import { readConfigFile } from "./read-config-file.ts"
import { type ServerConfig, toServerConfigs } from "./server-config.ts"

export interface McpEnvironment {
  /** Variables for references in configuration files, and for the local servers that receive some of them. */
  readonly env: Environment
  /** The configuration file for agents that name none. */
  readonly mcpConfigPath: string | undefined
}

/**
 * Returns the servers of the options and of the file. Rejects with a `ConfigurationError` that describes their
 * mistakes.
 */
export async function readConfiguredServers(
  options: McpOptions,
  { env, mcpConfigPath }: McpEnvironment,
): Promise<readonly ServerConfig[]> {
  const resolved = resolveOptions<McpOptions, typeof mcpOptions>(
    "MCP servers",
    mcpOptions,
    pickOptions(mcpOptions, options),
  )
  const { mcpServers } = resolved
  const path = resolved.mcpConfigPath ?? mcpConfigPath
  const allowed = resolved.mcpAllowedServers
  const isAllowed = (name: string) => allowed?.includes(name) ?? true
  const own = parseDefinitions(mcpServers, { name: "mcpServers", unknownKeys: "refused" })
  const filed =
    path === undefined ? {} : await readConfigFile({ path, cwd: resolve(), environment: env, isAllowed })
  const definitions = { ...filed, ...own }
  requireServers(allowed ?? [], definitions)
  return toServerConfigs(
    Object.fromEntries(Object.entries(definitions).filter(([name]) => isAllowed(name))),
    {
      defaultToolTimeoutMs: resolved.mcpDefaultToolTimeoutMs,
      timeoutOverrides: resolved.mcpTimeoutOverrides,
      sessionInjectServers: resolved.mcpSessionInjectServers,
      stripInputFields: resolved.mcpStripInputFields,
      environment: env,
    },
  )
}

function requireServers(names: readonly string[], definitions: McpServerDefinitions): void {
  const missing = names.find((name) => !Object.hasOwn(definitions, name))
  if (missing === undefined) return
  throw new ConfigurationError(
    `mcpAllowedServers: there is no server named ${JSON.stringify(missing)}. Configure it, or remove the name.`,
  )
}
