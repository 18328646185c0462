import { waitForNextSlice } from "../../core/time/next-slice.ts"
import { createSerialQueue } from "../../core/time/serial-queue.ts"
import { keepWorker } from "../../platform/workers/keep-worker.ts"
import { type ParsedJson, parseBytes } from "./parse-bytes.ts"

/** Parses JSON in UTF-8. The caller must not use the bytes until the promise settles. */
export type JsonParser = (bytes: Uint8Array<ArrayBuffer>) => Promise<ParsedJson>

/** Larger texts are parsed in a thread, because a text of 4 MiB takes up to 30 ms. Smaller ones take up to 2 ms. */
const inlineBytes = 32 * 1024

/**
 * Parses large texts in one thread for all requests, in the order of arrival. Receiving the value blocks the event
 * loop for up to 4 ms for a text of 4 MiB or of 20 000 values, so the thread parses one text at a time, and a turn of
 * the event loop receives one value. The thread starts with the first large text, and keeps no process alive.
 */
export function createJsonParser(): JsonParser {
  const thread = keepWorker<Uint8Array<ArrayBuffer>, ParsedJson>({
    program: "./parse-thread",
    startedBy: import.meta.url,
    kind: "thread",
    startMs: 60_000,
    phaseMs: { parsing: 10_000 },
    idleMs: 10_000,
  })
  const inTurn = createSerialQueue()

  async function parseInThread(bytes: Uint8Array<ArrayBuffer>): Promise<ParsedJson> {
    const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
    const outcome = await thread.run(whole, [whole.buffer])
    // Receiving the value takes a full turn of the event loop, and so may its use.
    await waitForNextSlice()
    if (outcome.type === "stopped") throw new Error(`Parsing a request body ${outcome.reason}.`)
    return outcome.reply
  }

  return async (bytes) =>
    bytes.byteLength <= inlineBytes ? parseBytes(bytes) : inTurn(() => parseInThread(bytes))
}
