import type { Frame } from "./event-stream.ts"

export interface Assembled {
  /** The text of the model, as a client shows it by the rules of docs/http-api.md. */
  readonly text: string
  readonly thinking: string
  /** Terminal event of the run. */
  readonly terminal: Frame["event"] | null
}

/**
 * Assembles a run from its events like a client. Joins text deltas, and removes those of a step after `stream_retry`.
 */
export function assemble(frames: readonly Frame[]): Assembled {
  let text = ""
  let thinking = ""
  let terminal: Frame["event"] | null = null
  let stepStart = { text, thinking }
  for (const { event } of frames) {
    switch (event.type) {
      case "text_delta":
        text += event.text
        break
      case "thinking_delta":
        thinking += event.text
        break
      case "stream_retry":
        ;({ text, thinking } = stepStart)
        break
      case "turn_complete":
        stepStart = { text, thinking }
        break
      case "stream_complete":
      case "error":
        if (terminal !== null) throw new Error("A run ended twice.")
        terminal = event
    }
  }
  return { text, thinking, terminal }
}

export function types(frames: readonly Frame[]): readonly string[] {
  return frames.map(({ event }) => event.type)
}

/** Returns the ids of the frames that have one. */
export function ids(frames: readonly Frame[]): readonly number[] {
  return frames.flatMap(({ id }) => (id === null ? [] : [id]))
}
