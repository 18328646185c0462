import type { Readable } from "node:stream"
import { StringDecoder } from "node:string_decoder"

const keptCharacters = 2_000
const longestLine = 2_000

export interface OutputTail {
  /** Returns the end of the output so far, on one line. */
  read(): string
}

/** Reads a stream to its end. Passes on its lines, each truncated to 2 000 characters, and keeps only its end. */
export function followOutput(stream: Readable, onLine: (line: string) => void): OutputTail {
  const decoder = new StringDecoder("utf8")
  let kept = ""
  let line = ""
  stream.on("data", (chunk: Buffer) => {
    const text = decoder.write(chunk)
    kept = (kept + text).slice(-keptCharacters)
    const lines = (line + text).split("\n")
    // Only the beginning of an endless line is kept.
    line = (lines.pop() ?? "").slice(0, longestLine)
    for (const complete of lines) {
      if (complete.trim() !== "") onLine(complete.trimEnd().slice(0, longestLine))
    }
  })
  stream.on("error", () => undefined)
  return { read: () => kept.trim().replace(/\s*\n\s*/g, " | ") }
}
