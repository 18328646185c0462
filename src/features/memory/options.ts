import { z } from "zod"
import type { EmbeddingProvider } from "../../core/ports/model/embeddings.ts"
import type { MemoryBounds } from "../../core/ports/store/memory.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"

/** Options of memory. All are optional. */
export interface MemoryOptions extends Partial<MemoryBounds> {
  /** If true, the agent has its own memories. Default false: agents with memory share those of a user. */
  readonly perAgent?: boolean
  /** Maximum number of memories of a user, at most 5 000. Default 1 000. */
  readonly maxMemories?: number
  /** Maximum bytes of a user's memories. Default 1 000 000. */
  readonly maxBytes?: number
  /** Maximum bytes of one memory's content, at most 64 000. Default 8 000. */
  readonly maxContentBytes?: number
  /** Days after its last change when a memory is deleted. Default: a memory is kept until it is forgotten. */
  readonly retentionDays?: number
  /**
   * Number of memories, at most 20, that the model receives at the start of a run: those most relevant to the user's
   * message. Default 0: the model only recalls memories with the tool.
   */
  readonly recallAtStart?: number
  /** If set, memories are found by their meaning as well as by their words. Default: by their words only. */
  readonly embeddings?: EmbeddingProvider
}

/** The option `memory`. */
export type MemoryChoice = boolean | MemoryOptions

/** Options with their defaults. */
export interface MemorySettings extends MemoryBounds {
  readonly perAgent: boolean
  readonly maxContentBytes: number
  /** Null to keep memories until they are forgotten. */
  readonly retentionMs: number | null
  readonly recallAtStart: number
  readonly embeddings: EmbeddingProvider | null
}

const embeddings = z.custom<EmbeddingProvider>((value) => {
  const { model, embed } = Object(value) as { readonly [key: string]: unknown }
  return typeof model === "string" && model !== "" && typeof embed === "function"
}, "expected an object with a model and an embed function")

const memoryOptions = declareOptions<MemoryOptions>()({
  perAgent: z.boolean().default(false),
  maxMemories: z.int().min(1).max(5_000).default(1_000),
  maxBytes: z.int().min(1_000).max(100_000_000).default(1_000_000),
  maxContentBytes: z.int().min(100).max(64_000).default(8_000),
  retentionDays: z.number().positive().max(36_500).optional(),
  recallAtStart: z.int().min(0).max(20).default(0),
  embeddings: embeddings.optional(),
})

export const memorySchema = z.union([z.boolean(), z.strictObject(memoryOptions)])

const dayMs = 86_400_000

/** Returns the settings of a choice. `true` stands for the defaults. */
export function resolveMemorySettings(choice: MemoryChoice | undefined): MemorySettings {
  const {
    retentionDays,
    embeddings = null,
    ...settings
  } = resolveOptions("memory", memoryOptions, typeof choice === "object" ? choice : {})
  const retentionMs = retentionDays === undefined ? null : Math.ceil(retentionDays * dayMs)
  return { ...settings, retentionMs, embeddings }
}
