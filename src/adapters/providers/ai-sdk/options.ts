import { z } from "zod"
import { ConfigurationError } from "../../../core/errors.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import { parseOptions } from "../../../platform/options/resolve-options.ts"

/**
 * A model of the AI SDK's provider packages, for version 6 or 7 of `ai`, with the members that all of them have. It
 * is declared here, because the package's own types would accept anything if the package is not installed.
 */
export interface AiSdkModel {
  readonly specificationVersion: "v3" | "v4"
  readonly provider: string
  readonly modelId: string
  readonly doStream: (options: never) => PromiseLike<unknown>
}

export interface AiSdkOptions {
  /** Options that the model receives with every call, by provider: `{ anthropic: { thinking: { … } } }`. */
  readonly providerOptions?: Readonly<Record<string, JsonObject>>
  /**
   * Price list of its calls: a provider's id in https://github.com/pydantic/genai-prices, or `free`. Default: the
   * list of a common provider, by the model's `provider`. For other providers the prices are unknown.
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

/** Throws a `ConfigurationError` that names every mistake, but no value. */
export function checkArguments(model: AiSdkModel, options: AiSdkOptions): void {
  if (!modelSchema.safeParse(model).success)
    throw new ConfigurationError(
      'AI SDK provider: give a model of version 6 or 7 of the AI SDK, such as google("…") of @ai-sdk/google',
    )
  parseOptions("AI SDK provider", optionsSchema, options)
}
