import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import { parseOptions } from "../../options/resolve-options.ts"

/**
 * A model of the AI SDK's provider packages, for version 6 or 7 of `ai`: the members that all of them have. Written
 * here, because where the package of the models' own types is not installed, those types would accept anything.
 */
export interface AiSdkModel {
  readonly specificationVersion: "v3" | "v4"
  readonly provider: string
  readonly modelId: string
  readonly doStream: (options: never) => PromiseLike<unknown>
}

export interface AiSdkOptions {
  /**
   * Given to the model with every call, by service: `{ anthropic: { thinking: { … } } }`.
   */
  readonly providerOptions?: Readonly<Record<string, JsonObject>>
  /**
   * Price list that applies to its calls: a provider's id in https://github.com/pydantic/genai-prices, or `free`.
   * Default: known for the usual services, by the model's `provider`; otherwise the prices are unknown.
   */
  readonly priceList?: string
}

const modelSchema = z.object({
  specificationVersion: z.enum(["v3", "v4"]),
  provider: z.string(),
  modelId: z.string(),
  doStream: z.custom((value) => typeof value === "function", "Expected a function"),
})

const optionsSchema = z.strictObject({
  providerOptions: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  priceList: z.string().min(1).optional(),
})

/** Throws a `ConfigurationError` that names what is wrong, and no value. */
export function checkArguments(model: AiSdkModel, options: AiSdkOptions): void {
  if (!modelSchema.safeParse(model).success)
    throw new ConfigurationError(
      'AI SDK provider: give a model of version 6 or 7 of the AI SDK, such as google("…") of @ai-sdk/google',
    )
  parseOptions("AI SDK provider", optionsSchema, options)
}
