import { type Fields, readFields } from "../fields.ts"

/** The type of the part for an execution that is about to start. */
export const executionStart = "execution-start"

/** Tool executions that the SDK delays until they are released, so that each call is in the log before it starts. */
export interface ExecutionStarts {
  /** The SDK calls it, and waits for it. */
  readonly onToolExecutionStart: (event: object) => Promise<void>
  /**
   * Yields the stream's parts, and a part of type `execution-start` for each delayed execution, after the part of its
   * call. The execution starts when the next part is requested.
   */
  readonly among: (stream: AsyncIterable<object>) => AsyncIterable<Fields>
}

/** Creates the execution starts. `decided` are calls of an earlier stream, whose parts have been read. */
export function createExecutionStarts(decided: readonly string[]): ExecutionStarts {
  const known = new Set(decided)
  const releases = new Map<string, () => void>()
  let notify = () => {}
  const takeNext = () =>
    new Promise<null>((resolve) => {
      notify = () => resolve(null)
    })
  return {
    onToolExecutionStart(event) {
      const { toolCallId } = readFields(readFields(event).toolCall)
      return new Promise((resolve) => {
        releases.set(String(toolCallId), resolve)
        notify()
      })
    },
    async *among(stream) {
      const parts = stream[Symbol.asyncIterator]()
      let next = parts.next()
      try {
        for (;;) {
          for (const [toolCallId, release] of releases) {
            if (!known.has(toolCallId)) continue
            releases.delete(toolCallId)
            yield { type: executionStart, toolCallId }
            release()
          }
          const arrived = await Promise.race([next, takeNext()])
          if (arrived === null) continue
          if (arrived.done === true) return
          const part = readFields(arrived.value)
          if (part.type === "tool-call") known.add(String(part.toolCallId))
          yield part
          next = parts.next()
        }
      } finally {
        // A run that has failed needs no more of the stream. It is not awaited, because it may wait for a delayed tool.
        Promise.resolve(parts.return?.()).catch(() => undefined)
      }
    },
  }
}
