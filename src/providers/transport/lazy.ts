/**
 * The work's outcome: begun when it is first asked for, and kept. A failure is not: it may have been of the moment (no
 * file handles left, an installation under way), so whoever asks next has it tried again.
 */
export function lazy<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let kept: Promise<Value> | undefined
  return () => {
    kept ??= work().catch((error: unknown) => {
      kept = undefined
      throw error
    })
    return kept
  }
}
