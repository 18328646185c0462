import { ShuttingDownError } from "../../core/errors.ts"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { StreamOptions } from "../gateway.ts"
import { type FollowParts, followRun, toChatEvent } from "./follow-run.ts"
import { type StartedRun, startRun } from "./start-run.ts"

/** The events of one run. They can be iterated once. */
export interface ChatStream extends AsyncIterable<ChatEvent> {
  /** Resolves when the run is durable. Rejects like the iteration if the run could not be started. */
  readonly started: Promise<StartedRun>
}

/** Starts a run at once, and streams its events on demand. */
export function streamRun(
  parts: () => Promise<FollowParts>,
  message: string,
  { onApproval, onElicitation, ...options }: StreamOptions,
): ChatStream {
  const starting = parts().then(async (opened) => {
    const run = await startRun({ ...opened, caller: "stream" }, message, options)
    return { opened, run }
  })
  const started = starting.then(({ run: { sessionId, runId } }) => ({ sessionId, runId }))
  // The iteration and `started` report the rejection.
  started.catch(() => undefined)
  let isTaken = false
  return {
    started,
    [Symbol.asyncIterator]() {
      if (isTaken) throw new TypeError("A stream can be iterated only once.")
      isTaken = true
      return events()
    },
  }

  async function* events(): AsyncGenerator<ChatEvent> {
    const { opened, run } = await starting
    const { signal, toolInputDeltas } = options
    const ask = { onApproval, onElicitation, hasClient: true, toolInputDeltas, signal }
    let hasEnded = false
    for await (const followed of followRun(opened, run, ask)) {
      for (const frame of followed.frames) {
        const event = toChatEvent(frame)
        hasEnded = event.type === "stream_complete" || event.type === "error"
        yield event
      }
    }
    // The run is kept, and resumes at the next start.
    if (!hasEnded) throw new ShuttingDownError()
  }
}
