import { z } from "zod"
import { parseOptions } from "../../options/resolve-options.ts"

/** Exactly one of `apiKey` and `authToken` is needed. The environment is never read. */
export interface AnthropicOptions {
  readonly apiKey?: string
  /** An OAuth access token, or what a proxy wants as bearer token. */
  readonly authToken?: string
  /** Without the `/v1`. Default `https://api.anthropic.com`. */
  readonly baseURL?: string
  /** Sent with every request, for instance `anthropic-beta`. */
  readonly headers?: Readonly<Record<string, string>>
  /** The field `thinking` of the request, as the API has it. Default: the model decides. */
  readonly thinking?: AnthropicThinking
  /** Further fields of the request's body; those that the gateway sets itself win. */
  readonly extraBody?: Readonly<Record<string, unknown>>
  /**
   * If true, the service knows `output_config.format`. Default: true. Set it to false for a model or a proxy that
   * refuses it: structured output then depends on the prompt alone.
   */
  readonly structuredOutputs?: boolean
  /** Longest wait for the first token, in milliseconds. Default: the agent's `firstTokenTimeoutSeconds`. */
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
 * Loads `@anthropic-ai/sdk`. The module is not named by its own type, so that this package's types compile where it is
 * not installed.
 */
export type LoadAnthropicSdk = () => Promise<object>

const schema = z
  .strictObject({
    apiKey: z.string().min(1).optional(),
    authToken: z.string().min(1).optional(),
    baseURL: z.url({ protocol: /^https?$/ }).optional(),
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

/** Throws a `ConfigurationError` that names each option that is unknown or wrong, and never its value. */
export function checkOptions(options: AnthropicOptions): void {
  parseOptions("Anthropic provider", schema, options)
}
