import { createInterface } from "node:readline"
import type { Readable } from "node:stream"

/** Maximum number of lines that wait for a reader. Further input waits in the stream. */
const maxWaiting = 100

export interface LineInput {
  /** Resolves to the next line. Null at the end of the input, and when the signal aborts. */
  next(signal: AbortSignal): Promise<string | null>
  /** Calls the function with each line. If it returns false, the line is kept for `next`. */
  intercept(take: (line: string) => boolean): void
  close(): void
}

/** Reads lines from a person or a program. */
export function createLineInput(input: Readable): LineInput {
  const lines = createInterface({ input })
  const waiting: string[] = []
  let take: (line: string) => boolean = () => false
  let isClosed = false
  let wake = () => {}
  lines.on("line", (line) => {
    if (take(line)) return
    waiting.push(line)
    if (waiting.length >= maxWaiting) lines.pause()
    wake()
  })
  lines.on("close", () => {
    isClosed = true
    wake()
  })
  return {
    async next(signal) {
      while (!signal.aborted) {
        const line = waiting.shift()
        if (line !== undefined) {
          if (!isClosed) lines.resume()
          return line
        }
        if (isClosed) return null
        await new Promise<void>((resolve) => {
          wake = () => {
            signal.removeEventListener("abort", wake)
            resolve()
          }
          signal.addEventListener("abort", wake)
        })
      }
      return null
    },
    intercept(next) {
      take = next
    },
    close: () => lines.close(),
  }
}
