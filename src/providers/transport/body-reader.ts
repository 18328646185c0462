const longestWaitForCloseMs = 100

type Reader = Pick<ReadableStreamDefaultReader<unknown>, "read" | "cancel">

/**
 * For an answer of which all has been said: the end of its body follows at once, and then the connection serves the
 * next call. A service that holds it open for more than a moment loses it.
 */
export async function readToEnd(reader: Reader): Promise<void> {
  const timer = setTimeout(() => void cancelBody(reader), longestWaitForCloseMs)
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is whole; a connection that breaks now is simply not used again.
  } finally {
    clearTimeout(timer)
  }
}

/** Breaks an answer off. */
export async function cancelBody(body: Pick<Reader, "cancel">): Promise<void> {
  try {
    await body.cancel()
  } catch {
    // The body has failed already, which whoever read it has seen: nothing is left to be cancelled.
  }
}
