import { resolve } from "node:path"
import { pickOptions, resolveOptions } from "../../options/resolve-options.ts"
import { type McpOptions, mcpOptions } from "../options.ts"
import { parseDefinitions } from "./parse-definitions.ts"
import { readConfigFile } from "./read-config-file.ts"
import { type ServerConfig, toServerConfigs } from "./server-config.ts"

/**
 * Variables that name the certificates that a machine trusts. They are paths, so they hold no keys. Without them, npx
 * and uvx cannot download a server through a company's proxy.
 */
const certificateVariables = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR", "SSL_CERT_FILE"]

export interface McpEnvironment {
  /** Variables for references in configuration files. Those that name certificates also reach local servers. */
  readonly env: Readonly<Record<string, string | undefined>>
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
  const own = parseDefinitions(mcpServers, { name: "mcpServers", unknownKeys: "refused" })
  const filed = path === undefined ? {} : await readConfigFile({ path, cwd: resolve(), environment: env })
  return toServerConfigs(
    { ...filed, ...own },
    {
      defaultToolTimeoutMs: resolved.mcpDefaultToolTimeoutMs,
      timeoutOverrides: resolved.mcpTimeoutOverrides,
      sessionInjectServers: resolved.mcpSessionInjectServers,
      stripInputFields: resolved.mcpStripInputFields,
      serverEnvironment: selectCertificates(env),
    },
  )
}

function selectCertificates(env: McpEnvironment["env"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    certificateVariables.flatMap((name) => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
