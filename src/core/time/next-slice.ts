/**
 * Callers that wait for their next slice, oldest first. The event loop is one for the whole thread, and so is this
 * queue.
 */
const waiting: (() => void)[] = []

/**
 * Resolves in a later turn of the event loop, for one caller a turn. Work that takes long is done in slices of a few
 * milliseconds, each after a call of this function. However much such work is under way at once, the event loop turns
 * to everything else after every slice (rule 15).
 */
export function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(startNext)
  })
}

function startNext(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(startNext)
}
