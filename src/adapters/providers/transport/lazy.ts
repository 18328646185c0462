/**
 * Returns a function that starts the work at its first call, and keeps the result. A failure is not kept, because it
 * may be temporary (no file handles left, an installation in progress), so the next call tries again.
 */
export function createLazy<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let kept: Promise<Value> | undefined
  return () => {
    kept ??= work().catch((error: unknown) => {
      kept = undefined
      throw error
    })
    return kept
  }
}
