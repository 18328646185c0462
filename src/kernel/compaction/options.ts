import { z } from "zod"
import type { Provider } from "../../core/ports/model/provider.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"

/** Options for conversations that grow past the model's context window. All are optional. */
export interface CompactionOptions {
  /**
   * Replaces the older messages of a long conversation by a summary, for the model only. False ends a run whose
   * conversation is too long. Default true.
   */
  readonly compaction?: boolean | CompactionSettings
  /** Tokens of the model's context window. Default: from the bundled list of models, if it contains the model. */
  readonly contextWindow?: number
  /** Model that writes summaries: a name at the run's provider, or another provider. Default: the run's model. */
  readonly compactionModel?: string | { readonly provider: Provider; readonly model?: string }
}

export interface CompactionSettings {
  /** Maximum share of the window for a request. A longer request has its older messages summarized. Default 0.8. */
  readonly share?: number
  /** Maximum tokens of a request, if they are fewer than the share. Default: none. */
  readonly trigger?: number
  /** Further instructions for the model that writes the summary. Default: none. */
  readonly instructions?: string
}

const provider = z.custom<Provider>((value) => {
  return typeof (value as { readonly stream?: unknown } | null)?.stream === "function"
}, "expected a Provider")

const compactionSettings = declareOptions<CompactionSettings>()({
  share: z.number().min(0.1).max(1).default(0.8),
  trigger: z.int().positive().optional(),
  instructions: z.string().min(1).max(20_000).optional(),
})

export type ResolvedCompactionSettings = Resolved<CompactionSettings, typeof compactionSettings>

/** Returns the settings of a choice. `true` stands for the defaults. */
export function resolveCompaction(choice: CompactionOptions["compaction"]): ResolvedCompactionSettings {
  return resolveOptions("compaction", compactionSettings, typeof choice === "object" ? choice : {})
}

export const compactionSchemas = declareOptions<CompactionOptions>()({
  compaction: z.union([z.boolean(), z.strictObject(compactionSettings)]).default(true),
  contextWindow: z.int().min(1_000).optional(),
  compactionModel: z
    .union([z.string().min(1), z.strictObject({ provider, model: z.string().min(1).optional() })])
    .optional(),
})

/** Schemas for a runtime, whose options take the place of the agent's. */
export const runtimeCompactionSchemas = declareOptions<CompactionOptions>()({
  ...compactionSchemas,
  compaction: compactionSchemas.compaction.unwrap().optional(),
})
