import type { Readable } from "node:stream"
import { StringDecoder } from "node:string_decoder"

const keptCharacters = 2_000
const longestLine = 2_000

export interface OutputTail {
  /** The end of what was written so far, on one line. */
  read(): string
}

/** Reads a stream to its end, gives out its lines, each cut to 2 000 characters, and keeps no more than its end. */
export function followOutput(stream: Readable, onLine: (line: string) => void): OutputTail {
  const decoder = new StringDecoder("utf8")
  let kept = ""
  let line = ""
  stream.on("data", (chunk: Buffer) => {
    const text = decoder.write(chunk)
    kept = (kept + text).slice(-keptCharacters)
    const lines = (line + text).split("\n")
    // Of a line without an end only its beginning is kept.
    line = (lines.pop() ?? "").slice(0, longestLine)
    for (const complete of lines) {
      if (complete.trim() !== "") onLine(complete.trimEnd().slice(0, longestLine))
    }
  })
  stream.on("error", () => undefined)
  return { read: () => kept.trim().replace(/\s*\n\s*/g, " | ") }
}
