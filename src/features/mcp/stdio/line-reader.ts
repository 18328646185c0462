export interface LineReader {
  /** Returns the lines that end in this chunk, without their ends. Throws if a line is too long. */
  read(chunk: Buffer): readonly string[]
}

const newline = "\n".charCodeAt(0)

/** Assembles lines from chunks. Reads each byte once, however many chunks a line spans. */
export function createLineReader(longestBytes: number): LineReader {
  let pieces: Buffer[] = []
  let bytes = 0

  function keep(piece: Buffer): void {
    bytes += piece.length
    if (bytes > longestBytes) throw new Error(`A line is longer than ${longestBytes} bytes.`)
    pieces.push(piece)
  }

  function take(): string {
    const line = Buffer.concat(pieces, bytes).toString("utf8")
    pieces = []
    bytes = 0
    return line.endsWith("\r") ? line.slice(0, -1) : line
  }

  return {
    read(chunk) {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        keep(chunk.subarray(start, end))
        lines.push(take())
        start = end + 1
      }
      if (start < chunk.length) keep(chunk.subarray(start))
      return lines
    },
  }
}
