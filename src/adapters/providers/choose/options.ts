import { z } from "zod"
import { declareOptions } from "../../../platform/options/declare-options.ts"
import { createObjectSchema } from "../../../platform/options/schemas.ts"
import type { ProviderChoice, ProviderOptions } from "./choose-provider.ts"
import type { FallbackChoice } from "./fallback-models.ts"
import { type ProviderConfig, providerNames } from "./named-provider.ts"

/** Options that choose the model of a run. */
export interface ModelOptions {
  /**
   * Model of the run. A client's choice replaces it only if `allowedModels` lists that choice. Default: the model
   * that the client requests, otherwise the provider's own default.
   */
  readonly model?: string
  /**
   * Models that replace a failing provider: after its retries, or at once if its quota is used up. The rest of the
   * run stays with that model. A refused request or key ends the run instead. Default: none.
   */
  readonly fallback?: readonly FallbackChoice[]
}

export const providerChoice = z.custom<ProviderChoice>(
  isProviderChoice,
  `expected ${providerNames.map((name) => JSON.stringify(name)).join(", ")}, a Provider or an AI SDK model`,
)

const modelName = z.string().min(1)

export const modelOptions = declareOptions<ModelOptions>()({
  model: modelName.optional(),
  fallback: z
    .array(
      z.union(
        [providerChoice, z.strictObject({ provider: providerChoice, model: modelName.optional() })],
        "expected a provider or { provider, model? }",
      ),
    )
    .default([]),
})

export const providerOptions = declareOptions<ProviderOptions>()({
  provider: providerChoice.optional(),
  apiKey: z.string().min(1).optional(),
  authToken: z.string().min(1).optional(),
  providerConfig: createObjectSchema<ProviderConfig>().optional(),
})

function isProviderChoice(value: unknown): boolean {
  if (typeof value === "string") return providerNames.some((name) => name === value)
  return typeof value === "object" && value !== null && ("stream" in value || "doStream" in value)
}
