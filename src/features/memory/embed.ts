import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { EmbeddingProvider } from "../../core/ports/model/embeddings.ts"
import type { MemoryVector } from "../../core/ports/store/memory.ts"
import { callBounded } from "../../core/time/call-bounded.ts"

const embedTimeoutMs = 10_000
const maxNumbers = 4_096

/**
 * Resolves to the vector of a text. If there is no provider or it fails, resolves to null and logs the reason. The
 * memory is then found by its words. Rejects if the signal aborts.
 */
export async function embedText(
  text: string,
  {
    embeddings,
    signal,
    logger,
  }: {
    readonly embeddings: EmbeddingProvider | null
    readonly signal: AbortSignal | undefined
    readonly logger: Logger
  },
): Promise<MemoryVector | null> {
  if (embeddings === null) return null
  const { model } = embeddings
  try {
    const bounds = { name: "memory.embeddings", timeoutMs: embedTimeoutMs, signal }
    const [values] = await callBounded((stop) => embeddings.embed([text], { signal: stop }), bounds)
    if (values === undefined || !isVector(values)) {
      throw new TypeError(`expected an array of 1 to ${maxNumbers} numbers for each text`)
    }
    return { model, values }
  } catch (error) {
    signal?.throwIfAborted()
    logger.warn(
      { model, error: toError(error) },
      "The embedding of a text failed. Memories are found by their words only.",
    )
    return null
  }
}

function isVector(values: readonly number[]): boolean {
  return (
    Array.isArray(values) &&
    values.length > 0 &&
    values.length <= maxNumbers &&
    values.every((value) => Number.isFinite(value))
  )
}
