import { type Fields, fieldsOf } from "../fields.ts"

/** The type of the part that stands for an execution about to begin. */
export const executionStart = "execution-start"

/**
 * Tool executions that the SDK holds back until they are let go, so that each call is in the log before it
 * begins.
 */
export interface ExecutionStarts {
  /** To be called by the SDK, which waits for it. */
  readonly onToolExecutionStart: (event: object) => Promise<void>
  /**
   * The stream's parts, and among them one of type `execution-start` for each execution that is held back,
   * after the part of its call. It begins once the part after that is asked for.
   */
  readonly among: (stream: AsyncIterable<object>) => AsyncIterable<Fields>
}

/** `decided` are calls of a former stream, whose parts have been read. */
export function executionStarts(decided: readonly string[]): ExecutionStarts {
  const known = new Set(decided)
  const held = new Map<string, () => void>()
  let notify = () => {}
  const nextHeld = () =>
    new Promise<null>((resolve) => {
      notify = () => resolve(null)
    })
  return {
    onToolExecutionStart(event) {
      const { toolCallId } = fieldsOf(fieldsOf(event).toolCall)
      return new Promise((resolve) => {
        held.set(String(toolCallId), resolve)
        notify()
      })
    },
    async *among(stream) {
      const parts = stream[Symbol.asyncIterator]()
      let next = parts.next()
      for (;;) {
        for (const [toolCallId, release] of held) {
          if (!known.has(toolCallId)) continue
          held.delete(toolCallId)
          yield { type: executionStart, toolCallId }
          release()
        }
        const arrived = await Promise.race([next, nextHeld()])
        if (arrived === null) continue
        if (arrived.done === true) return
        const part = fieldsOf(arrived.value)
        if (part.type === "tool-call") known.add(String(part.toolCallId))
        yield part
        next = parts.next()
      }
    },
  }
}
