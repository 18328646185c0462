import { createClientError } from "./chat-error.ts"

/** One server-sent event. */
export interface Frame {
  /** Null for an event without a numeric id. */
  readonly id: number | null
  readonly data: string
}

/**
 * Maximum characters of a frame, and of the frames of one log entry. The largest have the images of a tool result, at
 * most 7 MiB of base64.
 */
export const maxFrameCharacters = 32 * 1024 * 1024

/**
 * Parses an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). Chunks may end anywhere,
 * even inside a line or a character. An incomplete event at the end is dropped, as the standard requires. It comes
 * again after the last id.
 */
export async function* parseEventStream(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new TextDecoder()
  const linesIn = createLineSplitter()
  let id: number | null = null
  let data: string[] = []
  let characters = 0
  for await (const chunk of chunks) {
    for (const line of linesIn(decoder.decode(chunk, { stream: true }))) {
      if (line === "") {
        if (data.length > 0) yield { id, data: data.join("\n") }
        id = null
        data = []
        characters = 0
        continue
      }
      characters += line.length
      if (characters > maxFrameCharacters) throw createClientError("response_too_large")
      const [, field, value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      if (field === "data") data.push(value)
      if (field === "id") id = /^\d{1,16}$/.test(value) ? Number(value) : null
    }
  }
}

/** Splits lines, which end with CR LF, LF or CR. Reads each character once, however many chunks a line spans. */
function createLineSplitter(): (text: string) => Generator<string> {
  let started = ""
  let endedWithReturn = false
  return function* split(text) {
    if (text === "") return
    const ends = /\r\n?|\n/g
    let start = endedWithReturn && text[0] === "\n" ? 1 : 0
    ends.lastIndex = start
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      const line = started + text.slice(start, end.index)
      started = ""
      start = ends.lastIndex
      yield line
    }
    endedWithReturn = text.endsWith("\r")
    started += text.slice(start)
    if (started.length > maxFrameCharacters) throw createClientError("response_too_large")
  }
}
