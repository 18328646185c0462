import { Worker } from "node:worker_threads"
import { toError } from "../../core/errors.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"

/** The result of parsing a text. The caller may use the bytes again. */
export type ParsedJson =
  | { readonly type: "value"; readonly value: unknown; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "malformed"; readonly reason: "utf8" | "json" }

/** Parses JSON in UTF-8. The caller must not use the bytes until the promise settles. */
export type JsonParser = (bytes: Uint8Array<ArrayBuffer>) => Promise<ParsedJson>

/** Larger texts are parsed in a thread, because a text of 4 MiB takes up to 30 ms. Smaller ones take up to 2 ms. */
const inlineBytes = 32 * 1024
/** Milliseconds after which an idle thread ends. */
const idleMs = 10_000

/** The script is source text, so that it works however this package is built or bundled. */
const script = `
  const { parentPort } = require("node:worker_threads")
  const decoder = new TextDecoder("utf-8", { fatal: true })
  parentPort.on("message", (bytes) => {
    let text
    try {
      text = decoder.decode(bytes)
    } catch {
      return parentPort.postMessage({ type: "malformed", reason: "utf8" })
    }
    let value
    try {
      value = JSON.parse(text)
    } catch {
      return parentPort.postMessage({ type: "malformed", reason: "json" })
    }
    parentPort.postMessage({ type: "value", value, bytes }, [bytes.buffer])
  })`

/**
 * Parses large texts in one thread for all requests, in the order of arrival. Receiving the value blocks the event
 * loop for up to 4 ms for a text of 4 MiB or of 20 000 values, so the thread parses one text at a time, and a turn of
 * the event loop receives one value. The thread starts with the first large text, and keeps no process alive.
 */
export function createJsonParser(): JsonParser {
  let thread: ParserThread | null = null
  return async (bytes) => {
    if (bytes.byteLength <= inlineBytes) return parseInline(bytes)
    if (thread === null || thread.ended) thread = startThread()
    return thread.parse(bytes)
  }
}

function parseInline(bytes: Uint8Array<ArrayBuffer>): ParsedJson {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return { type: "malformed", reason: "utf8" }
  }
  try {
    return { type: "value", value: JSON.parse(text), bytes }
  } catch {
    return { type: "malformed", reason: "json" }
  }
}

interface ParserThread {
  readonly ended: boolean
  parse(bytes: Uint8Array<ArrayBuffer>): Promise<ParsedJson>
}

function startThread(): ParserThread {
  const worker = new Worker(script, { eval: true, execArgv: [], env: {} })
  /** Pending parses. The thread works on the first one. */
  const waiting: Parsing[] = []
  let ended = false
  let idle: NodeJS.Timeout | undefined
  worker.unref()

  worker.on("message", async (parsed: ParsedJson) => {
    const first = waiting.shift()
    // Receiving the value takes a full turn of the event loop, and so may its use. Both the next parse and the result
    // therefore wait for another turn.
    if (waiting.length > 0) void parseFirstInSlice()
    else stopWhenIdle()
    await waitForNextSlice()
    first?.resolve(parsed)
  })
  worker.on("error", (thrown) => end(toError(thrown)))
  worker.on("exit", () => end(new Error("The thread that parses JSON ended.")))

  async function parseFirstInSlice(): Promise<void> {
    await waitForNextSlice()
    parseFirst()
  }

  function parseFirst(): void {
    const bytes = waiting[0]?.bytes
    if (bytes !== undefined) worker.postMessage(bytes, [bytes.buffer])
  }

  function stopWhenIdle(): void {
    worker.unref()
    idle = setTimeout(() => {
      ended = true
      void worker.terminate()
    }, idleMs).unref()
  }

  function end(reason: Error): void {
    ended = true
    clearTimeout(idle)
    for (const { reject } of waiting.splice(0)) reject(reason)
  }

  return {
    get ended() {
      return ended
    },
    parse(bytes) {
      clearTimeout(idle)
      const parsed = Promise.withResolvers<ParsedJson>()
      const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
      waiting.push({ ...parsed, bytes: whole })
      // The process must not end before the thread responds.
      worker.ref()
      if (waiting.length === 1) parseFirst()
      return parsed.promise
    },
  }
}

interface Parsing extends PromiseWithResolvers<ParsedJson> {
  readonly bytes: Uint8Array<ArrayBuffer>
}
