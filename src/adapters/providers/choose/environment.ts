import type { AnthropicOptions } from "../anthropic/options.ts"
import type { OpenAiOptions } from "../openai/options.ts"

export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentSettings {
  /** The environment, unchanged, for references in MCP configuration files. */
  readonly env: Environment
  /** The variable `MCP_CONFIG_PATH`. */
  readonly mcpConfigPath: string | undefined
  /** The variable `AGENT_GATEWAY_SECRETS_KEY`. */
  readonly secretsKey: string | undefined
  /** The variable `AGENT_GATEWAY_OPERATOR_KEY`. */
  readonly operatorKey: string | undefined
  /** Path in `DOCKER_HOST` if it is a Unix socket, because working directories are folders of this machine. */
  readonly dockerSocket?: string
  readonly anthropic: Pick<AnthropicOptions, "apiKey" | "authToken" | "baseURL">
  readonly openai: Pick<OpenAiOptions, "apiKey" | "baseURL">
  /** Address at which the gateway looks for a model server on this machine if there is no key. */
  readonly localServer: string
}

/** The address of Ollama. */
const defaultLocalServer = "http://127.0.0.1:11434/v1"

/**
 * Converts the environment into options. This is the only place that does so. A key takes precedence over a token. An
 * empty variable counts as missing.
 */
export function readEnvironment(env: Environment): EnvironmentSettings {
  const { ANTHROPIC_API_KEY: anthropicKey, ANTHROPIC_AUTH_TOKEN: authToken, OPENAI_API_KEY: openAiKey } = env
  const { ANTHROPIC_BASE_URL: anthropicURL, OPENAI_BASE_URL: openAiURL, OLLAMA_BASE_URL: localServer } = env
  const [, dockerSocket] = /^unix:\/\/(.+)$/.exec(env.DOCKER_HOST ?? "") ?? []
  return {
    env,
    secretsKey: env.AGENT_GATEWAY_SECRETS_KEY || undefined,
    operatorKey: env.AGENT_GATEWAY_OPERATOR_KEY || undefined,
    mcpConfigPath: env.MCP_CONFIG_PATH || undefined,
    ...(dockerSocket === undefined ? {} : { dockerSocket }),
    anthropic: {
      ...(anthropicKey ? { apiKey: anthropicKey } : authToken ? { authToken } : {}),
      ...(anthropicURL ? { baseURL: anthropicURL } : {}),
    },
    openai: {
      ...(openAiKey ? { apiKey: openAiKey } : {}),
      ...(openAiURL ? { baseURL: openAiURL } : {}),
    },
    localServer: localServer || defaultLocalServer,
  }
}
