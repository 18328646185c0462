/** A piece of live text, of a call's arguments, or of a tool's output. */
export type Delta = TextDelta | ThinkingDelta | ToolInputDelta | ToolOutputDelta

export interface TextDelta {
  readonly type: "textDelta"
  readonly stepId: string
  readonly messageId: string
  /** Index of the part in the message's content. */
  readonly part: number
  readonly text: string
}

export interface ThinkingDelta {
  readonly type: "thinkingDelta"
  readonly stepId: string
  readonly messageId: string
  readonly part: number
  readonly text: string
}

/**
 * A piece of a call's arguments, as the model writes them as JSON. The call itself is requested after the response is
 * complete.
 */
export interface ToolInputDelta {
  readonly type: "toolInput"
  readonly stepId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly text: string
}

/** A part of a response of which a delta was published. */
export type OpenedPart =
  | { readonly type: "text" | "thinking"; readonly part: number }
  /** A call whose arguments were streamed. It is not requested under this id. */
  | { readonly type: "toolInput"; readonly toolCallId: string }

/** Collects the parts that the deltas of one response open, each once. */
export class OpenedParts {
  readonly #seen = new Set<number | string>()
  readonly #parts: OpenedPart[] = []
  #last: number | string | null = null

  /** Called once for each token. */
  add(delta: Delta): void {
    if (delta.type === "toolOutput") return
    const key = delta.type === "toolInput" ? delta.toolCallId : delta.part
    if (key === this.#last) return
    this.#last = key
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.#parts.push(toOpenedPart(delta))
  }

  list(): readonly OpenedPart[] {
    return this.#parts
  }
}

function toOpenedPart(delta: Exclude<Delta, ToolOutputDelta>): OpenedPart {
  if (delta.type === "toolInput") return { type: "toolInput", toolCallId: delta.toolCallId }
  return { type: delta.type === "textDelta" ? "text" : "thinking", part: delta.part }
}

export interface ToolOutputDelta {
  readonly type: "toolOutput"
  readonly stepId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly stream: "stdout" | "stderr"
  readonly text: string
  /** Counts the chunks of one call from 0. */
  readonly chunk: number
}
