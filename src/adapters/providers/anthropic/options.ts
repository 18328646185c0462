import { z } from "zod"
import { parseOptions } from "../../../platform/options/resolve-options.ts"

/** Options of the provider. Exactly one of `apiKey` and `authToken` is required. The environment is never read. */
export interface AnthropicOptions {
  readonly apiKey?: string
  /** An OAuth access token, or the bearer token of a proxy. */
  readonly authToken?: string
  /** Base URL without `/v1`. Default `https://api.anthropic.com`. */
  readonly baseURL?: string
  /** Headers of every request, such as `anthropic-beta`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * The request's field `thinking`, as the API defines it. Default: `adaptive` for Claude 4.6 and later, at most 10 000
   * tokens for Sonnet 4, Sonnet 4.5 and Opus 4.5, and no field for others or with a `maxTokens` below 2 048.
   */
  readonly thinking?: AnthropicThinking
  /** Further fields of the request's body. Fields that the gateway sets take precedence. Default: none. */
  readonly extraBody?: Readonly<Record<string, unknown>>
  /**
   * If true, the provider supports `output_config.format`. Default: true. Set it to false for a model or a proxy that
   * refuses the field. Structured output then depends on the prompt alone.
   */
  readonly structuredOutputs?: boolean
  /** Maximum milliseconds until the first token. Default: the agent's `firstTokenTimeoutSeconds`. */
  readonly timeoutMs?: number
}

/** Settings of thinking by type, as the Messages API defines them. */
export interface AnthropicThinking {
  readonly type: "adaptive" | "between_tools" | "disabled" | "enabled"
  /** Maximum tokens of thinking, for the type `enabled`. */
  readonly budget_tokens?: number
  readonly display?: "summarized" | "omitted" | null
}

/**
 * Loads `@anthropic-ai/sdk`. The return type does not name the module's type, so that this package's types compile
 * even if it is not installed.
 */
export type LoadAnthropicSdk = () => Promise<object>

const schema = z
  .strictObject({
    apiKey: z.string().min(1).optional(),
    authToken: z.string().min(1).optional(),
    baseURL: z
      .url({ protocol: /^https?$/, error: "expected an http or https URL, such as http://127.0.0.1:8080" })
      .optional(),
    headers: z.record(z.string(), z.string()).optional(),
    thinking: z.looseObject({ type: z.string() }).optional(),
    extraBody: z.record(z.string(), z.unknown()).optional(),
    structuredOutputs: z.boolean().optional(),
    timeoutMs: z.int().positive().optional(),
  })
  .refine(({ apiKey, authToken }) => (apiKey === undefined) !== (authToken === undefined), {
    error: "Give exactly one of apiKey and authToken",
    path: ["apiKey"],
  })

/** Throws a `ConfigurationError` that names each unknown or wrong option, but never its value. */
export function checkOptions(options: AnthropicOptions): void {
  parseOptions("Anthropic provider", schema, options)
}
