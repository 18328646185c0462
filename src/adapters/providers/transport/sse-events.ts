import { createParser } from "eventsource-parser"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { type BodyReader, cancelBody, readToEnd, turnBytes } from "./body-reader.ts"
import { StreamLimitError } from "./stream-fault.ts"

export interface SseEvent {
  /** The `event` field. Null if there is none. */
  readonly event: string | null
  readonly data: string
}

const longestEvent = 16 * 1024 * 1024
const largestBody = 64 * 1024 * 1024

/**
 * Yields the events of a response in batches: the events that one read of its body completes, or one part of a large
 * read. A batch is empty if the read only had a comment or a piece of an event. The generators therefore take one
 * turn for each read, and not for each event. Data after the last blank line is dropped, as the specification
 * requires (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * Throws for an event of more than 16 Mi characters, for a body of more than 64 MiB, and with fetch's error if the
 * connection breaks or the request is aborted. If the consumer stops reading, the request is canceled. If `isOver` then
 * reports that the response is complete, the end of the body is awaited briefly, so that the connection can serve the
 * next call.
 */
export async function* readSseBatches(
  reader: BodyReader,
  isOver: () => boolean,
): AsyncGenerator<readonly SseEvent[], void, undefined> {
  let batch: SseEvent[] = []
  const parser = createParser({
    onEvent: ({ event = null, data }) => batch.push({ event, data }),
    onError: (error) => {
      // The others are fields that the specification requires to be ignored.
      if (error.type === "max-buffer-size-exceeded") throw error
    },
    maxBufferSize: longestEvent,
  })
  const decoder = new TextDecoder()
  let size = 0
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      size += read.value.length
      if (size > largestBody) throw new StreamLimitError(`The response is longer than ${largestBody} bytes.`)
      for (const part of splitParts(read.value)) {
        parser.feed(decoder.decode(part, { stream: true }))
        yield batch
        batch = []
        if (part.length === turnBytes) await waitForNextSlice()
      }
    }
  } finally {
    if (isOver()) await readToEnd(reader)
    else await cancelBody(reader)
  }
}

function* splitParts(bytes: Uint8Array): Generator<Uint8Array> {
  if (bytes.length < turnBytes) return yield bytes
  for (let start = 0; start < bytes.length; start += turnBytes) {
    yield bytes.subarray(start, start + turnBytes)
  }
}
