import type { AnthropicOptions } from "../providers/anthropic/options.ts"

export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentSettings {
  /** Of `DOCKER_HOST`, if that is a Unix socket: working directories are folders of this machine. */
  readonly dockerSocket?: string
  readonly anthropic: Pick<AnthropicOptions, "apiKey" | "authToken" | "baseURL">
}

/** The one place that turns the environment into provider options. A key wins over a token. */
export function settingsFrom(env: Environment): EnvironmentSettings {
  const { ANTHROPIC_API_KEY: apiKey, ANTHROPIC_AUTH_TOKEN: authToken, ANTHROPIC_BASE_URL: baseURL } = env
  const [, dockerSocket] = /^unix:\/\/(.+)$/.exec(env.DOCKER_HOST ?? "") ?? []
  return {
    ...(dockerSocket === undefined ? {} : { dockerSocket }),
    anthropic: {
      ...(apiKey ? { apiKey } : authToken ? { authToken } : {}),
      ...(baseURL ? { baseURL } : {}),
    },
  }
}
