import { z } from "zod"
import { parseOptions } from "../../../platform/options/resolve-options.ts"

/** Address and credentials of the service. The environment is never read. */
export interface OpenAiConnectionOptions {
  /** API key. Required unless `baseURL` is set, because custom servers often need none. */
  readonly apiKey?: string
  /** Base URL with the version, such as `http://127.0.0.1:11434/v1`. Default `https://api.openai.com/v1`. */
  readonly baseURL?: string
  /** Headers of every request, such as `openai-organization`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Further fields of the request's body. Fields that the gateway sets take precedence. `tools` are added to the
   * gateway's own. Default: none.
   */
  readonly extraBody?: Readonly<Record<string, unknown>>
  /**
   * If true, the service can make responses match a JSON schema. Set it to false for a model or a server that refuses
   * schemas. Structured output then depends on the prompt alone.
   */
  readonly structuredOutputs?: boolean
  /** Maximum milliseconds until the first token. Default: the agent's `firstTokenTimeoutSeconds`. */
  readonly timeoutMs?: number
}

export interface OpenAiOptions extends OpenAiConnectionOptions {
  /** Settings of reasoning: `effort`, `summary` … Default: the model's own, which do not show its reasoning. */
  readonly reasoning?: OpenAiReasoning
  /**
   * If true, the service stores its responses. Default false: each request has the whole conversation, and reasoning
   * is encrypted.
   */
  readonly store?: boolean
}

/** Settings of reasoning, as the Responses API defines them. */
export interface OpenAiReasoning {
  readonly effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null
  readonly summary?: "auto" | "concise" | "detailed" | null
  readonly context?: "auto" | "current_turn" | "all_turns" | null
  readonly mode?: string
}

/**
 * Loads `openai`. The return type does not name the module's type, so that this package's types compile even if it is
 * not installed.
 */
export type LoadOpenAiSdk = () => Promise<object>

export interface OpenAiChatOptions extends OpenAiConnectionOptions {
  /**
   * Model of agents that name none. Default: a current model for OpenAI itself. For other servers there is no
   * default, and a call without a model throws a `ConfigurationError`.
   */
  readonly defaultModel?: string
  /** Price list, by its id, or `free`. Default: by the host of `baseURL`, if it is known. */
  readonly priceList?: string
  /** Name of the field for the maximum output tokens. Default: by the host, usually `max_tokens`. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens"
  /** If true, the gateway requests usage (`stream_options`). Default true, except for hosts that refuse it. */
  readonly streamUsage?: boolean
  /**
   * The field in which the model's reasoning is sent back, or false to leave it out. Default: by the host, usually
   * false. DeepSeek and Moonshot refuse a call's result without it.
   */
  readonly sendReasoning?: ReasoningField | false
}

/** The field of an assistant's message for its reasoning: text, or OpenRouter's blocks. */
export type ReasoningField = (typeof reasoningFields)[number]

const reasoningFields = ["reasoning_content", "reasoning", "reasoning_details"] as const

const connection = {
  apiKey: z.string().min(1).optional(),
  baseURL: z
    .url({ protocol: /^https?$/, error: "expected an http or https URL, such as http://127.0.0.1:8080/v1" })
    .optional(),
  headers: z.record(z.string(), z.string()).optional(),
  extraBody: z.record(z.string(), z.unknown()).optional(),
  structuredOutputs: z.boolean().optional(),
  timeoutMs: z.int().positive().optional(),
}

const responsesSchema = z
  .strictObject({
    ...connection,
    reasoning: z.looseObject({}).optional(),
    store: z.boolean().optional(),
  })
  .refine(hasKeyOrAddress, {
    error: "Give apiKey, or the baseURL of a server without keys",
    path: ["apiKey"],
  })

const chatSchema = z
  .strictObject({
    ...connection,
    defaultModel: z.string().min(1).optional(),
    priceList: z.string().min(1).optional(),
    maxTokensField: z.enum(["max_tokens", "max_completion_tokens"]).optional(),
    streamUsage: z.boolean().optional(),
    sendReasoning: z.union([z.literal(false), z.enum(reasoningFields)]).optional(),
  })
  .refine(hasKeyOrAddress, {
    error: "Give apiKey, or the baseURL of a server without keys",
    path: ["apiKey"],
  })

function hasKeyOrAddress({ apiKey, baseURL }: { apiKey?: unknown; baseURL?: unknown }): boolean {
  return apiKey !== undefined || baseURL !== undefined
}

/** Throws a `ConfigurationError` that names each unknown or wrong option, but never its value. */
export function checkOptions(options: OpenAiOptions): void {
  parseOptions("OpenAI provider", responsesSchema, options)
}

/** Checks options of Chat Completions in the same way. */
export function checkChatOptions(options: OpenAiChatOptions): void {
  parseOptions("OpenAI chat provider", chatSchema, options)
}
