import type { TextDelta, ThinkingDelta } from "../../../core/log/deltas.ts"
import type { MessageCompleted } from "../../../core/log/entries.ts"
import type { Folded, Frame } from "../../../http/streams/wire.ts"
import { addCall, type ChatState, changeMessage, type OpenText } from "./chat-state.ts"
import { createChunk, createInput } from "./chunks.ts"

/** This is the hot path: it runs once for each token, however many subscribers there are. */
export function foldText(state: ChatState, delta: TextDelta | ThinkingDelta): Folded<ChatState> {
  const { open } = state
  if (open !== null && open.part === delta.part && open.messageId === delta.messageId) {
    const { message, length } = state
    return [{ message, open, length: length + delta.text.length }, [createDelta(open, delta.text)]]
  }
  const [before, frames] = closeText(state)
  const opened = openText(delta.type === "textDelta" ? "text" : "reasoning", delta)
  const { length } = delta.text
  return [
    { ...before, open: opened, length },
    [...frames, createStart(opened), createDelta(opened, delta.text)],
  ]
}

/** Ends the part that is being streamed. */
export function closeText(state: ChatState): Folded<ChatState> {
  const { open, length, message } = state
  if (open === null) return [state, []]
  const closed = [...message.closed, { part: open.part, length }]
  return [{ ...changeMessage(state, { closed }), open: null, length: 0 }, [createEnd(open)]]
}

/**
 * Shows the parts of a complete response that the subscriber has not received, in the order in which they are streamed.
 * The deltas of a response are dropped some time after it is durable (rule 6).
 */
export function foldResponse(state: ChatState, event: MessageCompleted): Folded<ChatState> {
  const missing = findMissing(state, event)
  // The stored response does not begin with what the client received, so the step is shown from its start.
  if (missing === null) {
    const [next, frames] = showParts(discardResponse(state), event, [])
    return [next, [createChunk({ type: "reset-step" }), ...frames]]
  }
  const { open } = state
  const rest = open === null || missing === "" ? [] : [createDelta(open, missing)]
  const [closed, ends] = closeText(state)
  const received = closed.message.closed.map(({ part }) => part)
  const [next, frames] = showParts(closed, event, received)
  return [changeMessage(next, { closed: [] }), [...rest, ...ends, ...frames]]
}

/** Returns the state after the response of the step was discarded. None of its calls was requested. */
export function discardResponse(state: ChatState): ChatState {
  return { ...changeMessage(state, { closed: [], calls: new Map() }), open: null, length: 0 }
}

/** Returns the end of the open part. Null if a part that was received is not the beginning of that of the response. */
function findMissing({ message, open, length }: ChatState, event: MessageCompleted): string | null {
  const { content } = event.message
  const textOf = (part: number) => {
    const found = content[part]
    return found?.type === "text" || found?.type === "thinking" ? found.text : ""
  }
  if (message.closed.some(({ part, length }) => textOf(part).length !== length)) return null
  if (open === null) return ""
  return textOf(open.part).length < length ? null : textOf(open.part).slice(length)
}

/** Shows the parts that were not received. Calls are among them if their input is streamed in this run. */
function showParts(
  state: ChatState,
  { message, messageId }: MessageCompleted,
  received: readonly number[],
): Folded<ChatState> {
  let next = state
  const frames: Frame[] = []
  for (const [part, content] of message.content.entries()) {
    if (content.type === "toolCall") {
      const { toolCallId, name, input } = content
      if (!state.message.streamsInput || next.message.calls.has(toolCallId)) continue
      next = addCall(next, toolCallId, { toolName: name, isDenied: false })
      frames.push(...createInput(toolCallId, name, JSON.stringify(input)))
    } else if (content.type !== "opaque" && content.text !== "" && !received.includes(part)) {
      const opened = openText(content.type === "text" ? "text" : "reasoning", { messageId, part })
      frames.push(createStart(opened), createDelta(opened, content.text), createEnd(opened))
    }
  }
  return [next, frames]
}

function openText(
  type: OpenText["type"],
  { messageId, part }: { readonly messageId: string; readonly part: number },
): OpenText {
  const id = JSON.stringify(`${messageId}_${part}`)
  return { type, messageId, part, prefix: `{"type":"${type}-delta","id":${id},"delta":` }
}

function createDelta({ prefix }: OpenText, text: string): Frame {
  return `${prefix}${JSON.stringify(text)}}`
}

function createStart({ type, messageId, part }: OpenText): Frame {
  return createChunk({ type: `${type}-start`, id: `${messageId}_${part}` })
}

function createEnd({ type, messageId, part }: OpenText): Frame {
  return createChunk({ type: `${type}-end`, id: `${messageId}_${part}` })
}
