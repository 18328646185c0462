/** Milliseconds after which a reader that requests no further part gives its memory back. */
const longestHoldMs = 1_000

/**
 * Yields the parts, and holds memory while they are read and used. `take` waits for the memory and resolves to a
 * function that gives it back, or to null if the reader has left. A reader that is slow to request the next part gives
 * its memory back and takes it again for that part, so that no client blocks others because it does not read its
 * response.
 */
export async function* holdMemory<Part>(
  parts: AsyncGenerator<Part>,
  take: () => Promise<(() => void) | null>,
): AsyncGenerator<Part> {
  let giveBack: (() => void) | null = null
  const release = () => {
    giveBack?.()
    giveBack = null
  }
  try {
    for (;;) {
      giveBack ??= await take()
      if (giveBack === null) return
      const next = await parts.next()
      if (next.done === true) return
      const timer = setTimeout(release, longestHoldMs).unref()
      try {
        yield next.value
      } finally {
        clearTimeout(timer)
      }
    }
  } finally {
    release()
    await parts.return(undefined)
  }
}
