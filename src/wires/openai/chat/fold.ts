import type { Event, LiveEntry, MessageCompleted, WaitOpened } from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import { addSpending, noUsage, type Usage } from "../../../core/usage.ts"
import { type ChatEnd, describeEnd, describeWaits } from "./ending.ts"

/** A part of a completion, whether it is streamed or not. */
export type ChatPiece =
  | { readonly type: "content" | "reasoning_content"; readonly text: string }
  | {
      readonly type: "end"
      readonly end: ChatEnd
      /** Calls that the client executes, if the completion ends with them. */
      readonly calls: readonly ChatToolCall[]
      readonly usage: Usage
    }

/** A call of the client's function, in the form of the API. */
export interface ChatToolCall {
  readonly id: string
  readonly type: "function"
  readonly function: { readonly name: string; readonly arguments: string }
}

/** A completion as its reader has it. */
export interface ChatState {
  /** Characters of the current model attempt that the reader has received, by part. */
  readonly seen: ReadonlyMap<number, number>
  readonly hasText: boolean
  /** If true, an empty line precedes the next text, because another message or a discarded one precedes it. */
  readonly isApart: boolean
  readonly calls: readonly ChatToolCall[]
  readonly usage: Usage
  /** Number of characters and events so far. */
  readonly progress: number
  readonly isOver: boolean
}

export type FoldedChat = readonly [ChatState, readonly ChatPiece[]]

export const emptyChat: ChatState = {
  seen: new Map(),
  hasText: false,
  isApart: false,
  calls: [],
  usage: noUsage,
  progress: 0,
  isOver: false,
}

export function foldChat(state: ChatState, entry: LiveEntry): FoldedChat {
  if (entry.kind === "delta") {
    const { delta } = entry
    if (delta.type === "textDelta") return addText(state, delta.part, delta.text)
    return delta.type === "thinkingDelta" ? addThinking(state, delta.part, delta.text) : [state, []]
  }
  if (entry.kind !== "event") return [state, []]
  return foldEvent({ ...state, progress: state.progress + 1 }, entry.event)
}

/** Ends a completion whose run waits for people. */
export function parkChat(state: ChatState, waits: readonly Wait[]): FoldedChat {
  return state.isOver ? [state, []] : finish(state, describeWaits(waits))
}

function foldEvent(state: ChatState, event: Event): FoldedChat {
  switch (event.type) {
    case "stepRetried":
      // The protocol cannot take back what was sent.
      return [{ ...state, seen: new Map(), isApart: state.hasText }, []]
    case "modelCallFailed":
      return [spend(state, event.usage), []]
    case "messageCompleted":
      return completeMessage(state, event)
    case "waitOpened":
      return [addCall(state, event), []]
    case "runCompleted":
    case "runFailed":
      return finish(state, describeEnd(event))
    default:
      return [state, []]
  }
}

function completeMessage(state: ChatState, { message, usage }: MessageCompleted): FoldedChat {
  let next = state
  const pieces: ChatPiece[] = []
  for (const [part, content] of message.content.entries()) {
    if (content.type !== "text" && content.type !== "thinking") continue
    // The deltas may have been dropped (rule 6).
    const rest = content.text.slice(next.seen.get(part) ?? 0)
    const add = content.type === "text" ? addText : addThinking
    const [folded, more] = add(next, part, rest)
    next = folded
    pieces.push(...more)
  }
  return [spend({ ...next, seen: new Map(), isApart: next.hasText }, usage), pieces]
}

function addText(state: ChatState, part: number, text: string): FoldedChat {
  if (text === "") return [state, []]
  const shown = state.isApart ? `\n\n${text}` : text
  const next = { ...count(state, part, text), isApart: false, hasText: true }
  return [next, [{ type: "content", text: shown }]]
}

function addThinking(state: ChatState, part: number, text: string): FoldedChat {
  return text === "" ? [state, []] : [count(state, part, text), [{ type: "reasoning_content", text }]]
}

function count(state: ChatState, part: number, text: string): ChatState {
  const seen = new Map(state.seen).set(part, (state.seen.get(part) ?? 0) + text.length)
  return { ...state, seen, progress: state.progress + text.length }
}

function addCall(state: ChatState, event: WaitOpened): ChatState {
  if (event.kind !== "clientTool") return state
  const { toolCallId: id, toolName: name, payload } = event
  const call = { id, type: "function", function: { name, arguments: JSON.stringify(payload.input) } } as const
  return { ...state, calls: [...state.calls, call] }
}

function spend(state: ChatState, usage: Usage): ChatState {
  const sum = addSpending({ usage: state.usage, cost: null }, { usage, cost: null })
  return { ...state, usage: sum.usage }
}

function finish(state: ChatState, end: ChatEnd): FoldedChat {
  const [next, pieces] = addText(state, -1, end.type === "finished" ? end.text : "")
  const calls = end.type === "finished" && end.reason === "tool_calls" ? state.calls : []
  return [{ ...next, isOver: true }, [...pieces, { type: "end", end, calls, usage: state.usage }]]
}
