const longestWaitForCloseMs = 100

/** Reads the body of a response, one chunk after the other. */
export type BodyReader<Chunk = Uint8Array> = Pick<ReadableStreamDefaultReader<Chunk>, "read" | "cancel">

/**
 * Maximum bytes of one response whose events one turn of the event loop handles. They take less than a millisecond. A
 * read of the body has up to 64 KiB, and many responses may arrive at once.
 */
export const turnBytes = 4 * 1024

/**
 * Reads the body of a complete response to its end, which follows at once, so that the connection can serve the next
 * call. If the service keeps the body open for longer, the connection is closed.
 */
export async function readToEnd(reader: BodyReader<unknown>): Promise<void> {
  const timer = setTimeout(() => void cancelBody(reader), longestWaitForCloseMs)
  try {
    while (!(await reader.read()).done);
  } catch {
    // The response is whole. If the connection breaks now, it is not used again.
  } finally {
    clearTimeout(timer)
  }
}

/** Cancels the body of a response. */
export async function cancelBody(body: Pick<BodyReader, "cancel">): Promise<void> {
  try {
    await body.cancel()
  } catch {
    // The body has already failed, and its reader has seen the error, so there is nothing to cancel.
  }
}
