import { z } from "zod"
import { parseOptions } from "../../options/resolve-options.ts"

/** Address and credentials of the service. The environment is never read. */
export interface OpenAiConnectionOptions {
  /** Needed unless `baseURL` is given: servers of one's own often want none. */
  readonly apiKey?: string
  /** With the version, as `http://127.0.0.1:11434/v1`. Default `https://api.openai.com/v1`. */
  readonly baseURL?: string
  /** Sent with every request, for instance `openai-organization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Further fields of the request's body. Those that the gateway sets itself win; `tools` are offered with its own. */
  readonly extraBody?: Readonly<Record<string, unknown>>
  /**
   * If true, the service holds a response to a JSON schema. Set it to false for a model or a server that refuses one:
   * structured output then depends on the prompt alone.
   */
  readonly structuredOutputs?: boolean
  /** Longest wait for the first token, in milliseconds. Default: the agent's `firstTokenTimeoutSeconds`. */
  readonly timeoutMs?: number
}

export interface OpenAiOptions extends OpenAiConnectionOptions {
  /** `effort`, `summary` … Default: what the model does by itself, which is to show nothing of its reasoning. */
  readonly reasoning?: OpenAiReasoning
  /**
   * If true, the service keeps its responses. Default false: each request has the whole conversation, and reasoning
   * comes and goes encrypted.
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
 * Loads `openai`. The module is not named by its own type, so that this package's types compile where it is not
 * installed.
 */
export type LoadOpenAiSdk = () => Promise<object>

export interface OpenAiChatOptions extends OpenAiConnectionOptions {
  /**
   * The model of agents that name none. Default: of OpenAI itself, a current one; of any other server, none, and a call
   * without a model throws a `ConfigurationError`.
   */
  readonly defaultModel?: string
  /**
   * Price list that applies, by its id in the price lists, or `free`. Default: by the host of `baseURL`, if it is
   * known.
   */
  readonly priceList?: string
  /** The name that the cap on output tokens goes by. Default: by the host, mostly `max_tokens`. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens"
  /** If true, the gateway asks for usage (`stream_options`). Default true, but for hosts that refuse it. */
  readonly streamUsage?: boolean
  /**
   * The field in which the model's reasoning goes back to it, false for not at all. Default: by the host, mostly false;
   * DeepSeek and Moonshot refuse a call's result without it.
   */
  readonly sendReasoning?: ReasoningField | false
}

/** The field of an assistant's message in which its reasoning goes back: text, or OpenRouter's blocks. */
export type ReasoningField = (typeof reasoningFields)[number]

const reasoningFields = ["reasoning_content", "reasoning", "reasoning_details"] as const

const connection = {
  apiKey: z.string().min(1).optional(),
  baseURL: z.url({ protocol: /^https?$/ }).optional(),
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

/** Throws a `ConfigurationError` that names each option that is unknown or wrong, and never its value. */
export function checkOptions(options: OpenAiOptions): void {
  parseOptions("OpenAI provider", responsesSchema, options)
}

/** As `checkOptions`. */
export function checkChatOptions(options: OpenAiChatOptions): void {
  parseOptions("OpenAI chat provider", chatSchema, options)
}
