import type { TextDelta, ThinkingDelta } from "../../../core/log/deltas.ts"
import type { MessageCompleted } from "../../../core/log/entries.ts"
import type { Folded, Frame } from "../../../http/streams/wire.ts"
import { type ChatState, changeMessage, type OpenText } from "./chat-state.ts"
import { createChunk } from "./chunks.ts"

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
 * Shows the text of a complete response that the subscriber has not received. The deltas of a response are dropped some
 * time after it is durable (rule 6).
 */
export function foldResponse(state: ChatState, event: MessageCompleted): Folded<ChatState> {
  const frames: Frame[] = []
  const missing = findMissing(state, event)
  // What was received is no beginning of the response, so the step is shown from its start.
  if (missing === null) frames.push(createChunk({ type: "reset-step" }), ...createWhole(event, []))
  else {
    const [, ends] = closeText(state)
    if (missing !== "" && state.open !== null) frames.push(createDelta(state.open, missing))
    const received = [...state.message.closed.map(({ part }) => part), state.open?.part]
    frames.push(...ends, ...createWhole(event, received))
  }
  const calls = missing === null ? new Map() : state.message.calls
  return [{ ...changeMessage(state, { closed: [], calls }), open: null, length: 0 }, frames]
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

/** Returns the parts of a response that were not received. */
function createWhole(
  { message, messageId }: MessageCompleted,
  received: readonly (number | undefined)[],
): readonly Frame[] {
  return message.content.flatMap((content, part) => {
    if ((content.type !== "text" && content.type !== "thinking") || content.text === "") return []
    if (received.includes(part)) return []
    const opened = openText(content.type === "text" ? "text" : "reasoning", { messageId, part })
    return [createStart(opened), createDelta(opened, content.text), createEnd(opened)]
  })
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
