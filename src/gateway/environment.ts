import type { AnthropicOptions } from "../providers/anthropic/options.ts"

export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentSettings {
  /** As it was given: MCP configuration files refer to it. */
  readonly env: Environment
  /** `MCP_CONFIG_PATH`. */
  readonly mcpConfigPath: string | undefined
  /** `AGENT_GATEWAY_SECRETS_KEY`. */
  readonly secretsKey: string | undefined
  readonly anthropic: Pick<AnthropicOptions, "apiKey" | "authToken" | "baseURL">
}

/** The one place that turns the environment into options. A key wins over a token. */
export function settingsFrom(env: Environment): EnvironmentSettings {
  const { ANTHROPIC_API_KEY: apiKey, ANTHROPIC_AUTH_TOKEN: authToken, ANTHROPIC_BASE_URL: baseURL } = env
  return {
    env,
    secretsKey: env.AGENT_GATEWAY_SECRETS_KEY || undefined,
    mcpConfigPath: env.MCP_CONFIG_PATH || undefined,
    anthropic: {
      ...(apiKey ? { apiKey } : authToken ? { authToken } : {}),
      ...(baseURL ? { baseURL } : {}),
    },
  }
}
