import type { ReasoningField } from "../options.ts"
import type { ThinkingForm } from "./thinking.ts"

/** Traits in which services with a Chat Completions API differ. */
export interface HostTraits {
  /** Provider id in price lists. */
  readonly priceList?: string
  readonly maxTokensField: "max_tokens" | "max_completion_tokens"
  /** If true, the service accepts `stream_options.include_usage`. */
  readonly streamUsage: boolean
  /** If true, the service accepts a `response_format` of type `json_schema`. */
  readonly structuredOutputs: boolean
  readonly sendReasoning: ReasoningField | false
  /** The form of a level of thinking. Null for a service that accepts none. */
  readonly thinking: ThinkingForm | null
  /** If true, the service only accepts call ids of nine letters and digits. */
  readonly shortCallIds: boolean
  /** If true, the service has the limits of OpenAI's own service for tools. */
  readonly ownToolRules: boolean
}

const usual: HostTraits = {
  maxTokensField: "max_tokens",
  streamUsage: true,
  structuredOutputs: true,
  sendReasoning: false,
  thinking: "effort",
  shortCallIds: false,
  ownToolRules: false,
}

/** Traits by the end of the host's name. */
const hosts: Readonly<Record<string, Partial<HostTraits>>> = {
  "api.openai.com": {
    priceList: "openai",
    maxTokensField: "max_completion_tokens",
    ownToolRules: true,
    thinking: "openAi",
  },
  "openai.azure.com": {
    priceList: "azure",
    maxTokensField: "max_completion_tokens",
    ownToolRules: true,
    thinking: "openAi",
  },
  "openrouter.ai": { priceList: "openrouter", sendReasoning: "reasoning_details", thinking: "reasoning" },
  // Without it, the response is a 400: https://api-docs.deepseek.com/guides/thinking_mode#tool-calls
  "api.deepseek.com": {
    priceList: "deepseek",
    structuredOutputs: false,
    sendReasoning: "reasoning_content",
    thinking: "switch",
  },
  "api.moonshot.ai": {
    priceList: "moonshotai",
    structuredOutputs: false,
    sendReasoning: "reasoning_content",
    thinking: "switch",
  },
  // It refuses unknown fields, and sends usage without a request for it.
  "api.mistral.ai": { priceList: "mistral", streamUsage: false, shortCallIds: true, thinking: null },
  "api.x.ai": { priceList: "x-ai" },
  "api.groq.com": { priceList: "groq", maxTokensField: "max_completion_tokens" },
  "api.cerebras.ai": { priceList: "cerebras", maxTokensField: "max_completion_tokens" },
  "api.together.xyz": { priceList: "together" },
  "api.fireworks.ai": { priceList: "fireworks" },
  "api.perplexity.ai": { priceList: "perplexity" },
  "api.novita.ai": { priceList: "novita" },
  "api.cohere.ai": { priceList: "cohere" },
  "api.z.ai": { priceList: "zai", structuredOutputs: false, thinking: "switch" },
  "generativelanguage.googleapis.com": { priceList: "google" },
}

/**
 * Returns the known traits of the service at this address. For an unknown service, returns those that most services
 * accept, and no price list.
 */
export function findHostTraits(baseURL: string): HostTraits {
  const { hostname } = new URL(baseURL)
  const known = Object.entries(hosts).find(([host]) => hostname === host || hostname.endsWith(`.${host}`))
  return { ...usual, ...known?.[1] }
}
