import type { Usage } from "../core/wire/content.ts"
import type { SentEvent } from "./follow.ts"

/** One sent message and the work on it. Iterate it once, or await `result()`. */
export interface Run extends AsyncIterable<SentEvent> {
  /** Run id. Null until the gateway has accepted the message. */
  readonly id: string | null
  /** Idempotency key of the message. If the same message is sent again with this key, no second run starts. */
  readonly key: string
  /** Resolves to the run id when the gateway has accepted the message, without reading the run. */
  accept(): Promise<string | null>
  /** Reads the run to its end. Calls `onEvent` with each event. */
  result(onEvent?: (event: SentEvent) => void): Promise<RunResult>
}

export interface RunResult {
  readonly runId: string | null
  /** Text of the last turn. */
  readonly text: string
  readonly outcome: "completed" | "interrupted" | "failed"
  /**
   * Reason of an interruption, for example `cancelled`, or the error code of a failed run. Null for a completed run.
   */
  readonly reason: string | null
  /** Message of a failed run. */
  readonly error: string | null
  readonly usage: Usage | null
}

/** Reads a run's events to the end. */
export async function readResult(
  run: Pick<Run, "id"> & AsyncIterable<SentEvent>,
  onEvent: (event: SentEvent) => void = () => {},
): Promise<RunResult> {
  let text = ""
  let isNewTurn = false
  for await (const event of run) {
    onEvent(event)
    // A sub-agent's text is not the run's.
    if (event.sub_agent_id !== undefined) continue
    switch (event.type) {
      case "text_delta":
        text = isNewTurn ? event.text : text + event.text
        isNewTurn = false
        break
      case "turn_complete":
        isNewTurn = true
        break
      case "stream_complete": {
        const { terminal_disposition: outcome, reason = null, usage } = event
        return { runId: run.id, text, outcome, reason, error: null, usage }
      }
      case "stream_retry":
        // The discarded text started after the last turn.
        if (!isNewTurn) text = ""
        break
      case "error": {
        const { code: reason, error } = event
        if (!isNewTurn) text = ""
        return { runId: run.id, text, outcome: "failed", reason, error, usage: null }
      }
    }
  }
  // A stream of a run ends with a terminal event or throws.
  throw new Error("The run's stream ended without a terminal event.")
}
