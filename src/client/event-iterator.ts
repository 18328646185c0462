import { linkController } from "./abort.ts"
import type { SentEvent } from "./follow.ts"
import { type ClientTools, createToolCalls, type ToolCallsOptions } from "./tool-calls.ts"

export interface EventIteratorOptions extends Pick<ToolCallsOptions, "submit"> {
  readonly tools: ClientTools
  readonly signal: AbortSignal | undefined
  readonly open: (signal: AbortSignal) => AsyncIterator<SentEvent>
}

/**
 * Returns the iterator of a stream, which also executes the client's tools. `return()` ends a waiting `next()`. A
 * generator would first wait for the next event.
 */
export function createEventIterator({
  tools,
  submit,
  signal,
  open,
}: EventIteratorOptions): AsyncIterator<SentEvent> {
  const { controller, detach } = linkController(signal)
  const calls = createToolCalls({ tools, submit, onFailure: (error) => controller.abort(error) })
  const events = open(controller.signal)
  let isClosed = false

  function close(): void {
    isClosed = true
    calls.close()
    detach()
    controller.abort()
  }

  return {
    async next() {
      if (isClosed) return { done: true, value: undefined }
      try {
        const next = await events.next()
        if (next.done === true) close()
        else calls.observe(next.value)
        return next
      } catch (error) {
        if (isClosed) return { done: true, value: undefined }
        close()
        throw error
      }
    },
    async return() {
      close()
      await events.return?.()
      return { done: true, value: undefined }
    },
  }
}
