import { ShuttingDownError } from "../../core/errors.ts"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { ViewEnd } from "../../kernel/sessions/reading/view-end.ts"
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
    let isComplete = false
    const onEnd = ({ type }: ViewEnd) => {
      isComplete = type === "complete"
    }
    const ask = { onApproval, onElicitation, hasClient: true, toolInputDeltas, onEnd, signal }
    for await (const followed of followRun(opened, run, ask)) yield* followed.frames.map(toChatEvent)
    // The run is kept, and resumes at the next start.
    if (!isComplete) throw new ShuttingDownError()
  }
}
