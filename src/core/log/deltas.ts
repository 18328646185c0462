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
