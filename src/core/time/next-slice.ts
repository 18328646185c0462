/**
 * Callers that wait for their next slice, oldest first. A thread has one event loop, so this queue is shared as well.
 */
const waiting: (() => void)[] = []

/**
 * Resolves in a later turn of the event loop, for one caller in each turn. Long work calls this function between
 * slices of a few milliseconds. However much such work is in progress, the event loop handles everything else after
 * every slice (rule 15).
 */
export function waitForNextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(startNext)
  })
}

function startNext(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(startNext)
}
