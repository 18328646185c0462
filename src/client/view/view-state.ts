import type { Usage } from "../../core/wire/content.ts"
import { addCall, type CallIndex, findCall, indexCalls } from "./call-index.ts"
import {
  append,
  at,
  emptyList,
  entriesFrom,
  type List,
  listOf,
  replaceAt,
  toArray,
  truncate,
} from "./list.ts"
import { sumUsage } from "./sum-usage.ts"
import type { ChatView, QueuedMessage, ViewMessage, ViewPart, ViewToolCall } from "./view.ts"

/**
 * A view in the form that events are applied to: its messages and their parts are lists that grow without being
 * copied. A `ChatView` shows them as arrays, which are made when they are first read. A page reads them once a frame,
 * and not for each event.
 */
export interface ViewState extends Omit<ChatView, "messages"> {
  readonly messages: List<ViewMessage>
  readonly calls: CallIndex
}

/** Not enumerable, so a copy of a view, such as `{ ...view }`, has only the public fields. */
const source = Symbol("source")

/** An object that shows a list as an array. */
interface Shown<Entry> {
  readonly [source]?: {
    readonly list: List<Entry>
    /** Null until it is read. */
    array: readonly Entry[] | null
    /** State behind a view. */
    readonly state?: ViewState
  }
}

/** One getter for all objects, because JavaScript engines are slow with objects that have getters of their own. */
function readArray<Entry>(this: Required<Shown<Entry>>): readonly Entry[] {
  const shown = this[source]
  shown.array ??= toArray(shown.list)
  return shown.array
}

const arrayDescriptor = { get: readArray, enumerable: true }

export function toView(state: ViewState): ChatView {
  const { messages, calls, ...fields } = state
  return showList(fields as ChatView, "messages", { list: messages, array: null, state })
}

function showList<T extends object>(fields: T, name: keyof T, shown: Shown<unknown>[typeof source]): T {
  Object.defineProperty(fields, source, { value: shown })
  return Object.defineProperty(fields, name, arrayDescriptor)
}

/** Returns the state behind a view. Reads the whole view if it is a copy. */
export function toState(view: ChatView & Shown<ViewMessage>): ViewState {
  const state = view[source]?.state
  if (state !== undefined) return state
  const { messages, ...fields } = view
  return { ...fields, messages: listOf(messages), calls: indexCalls(messages) }
}

function noteCall(calls: CallIndex, part: ViewPart, message: number, at: number): CallIndex {
  return part.type === "tool" ? addCall(calls, part.tool_call_id, { message, part: at }) : calls
}

/** Returns the view with other values of some fields. */
export function changeView(view: ChatView, changes: Partial<Omit<ChatView, "messages">>): ChatView {
  return toView({ ...toState(view), ...changes })
}

function createMessage({ id, role, usage }: Omit<ViewMessage, "parts">, parts: List<ViewPart>): ViewMessage {
  return showList({ id, role, usage } as ViewMessage, "parts", { list: parts, array: null })
}

function listParts(message: ViewMessage & Shown<ViewPart>): List<ViewPart> {
  return message[source]?.list ?? listOf(message.parts)
}

/** Adds a message at the end. */
export function addMessage(
  state: ViewState,
  role: ViewMessage["role"],
  parts: readonly ViewPart[],
): ViewState {
  const { length } = state.messages
  const message = createMessage({ id: `message-${length}`, role, usage: null }, listOf(parts))
  const calls = parts.reduce((index, part, at) => noteCall(index, part, length, at), state.calls)
  return { ...state, messages: append(state.messages, message), calls, kept: { byRetry: 0, byFailure: 0 } }
}

export function addUserContent(state: ViewState, content: QueuedMessage["content"]): ViewState {
  return addMessage(state, "user", typeof content === "string" ? [{ type: "text", text: content }] : content)
}

/** Adds a message of the user at the end. */
export function addUserMessage(view: ChatView, content: QueuedMessage["content"]): ChatView {
  return toView(addUserContent(toState(view), content))
}

/**
 * Marks a run as open. If the previous run has ended, the run is for the next queued message, even if the previous one
 * was stopped before its first word.
 */
export function openRun(state: ViewState): ViewState {
  if (state.isRunning) return state
  const open = { ...state, isRunning: true, ended: null }
  const [next, ...queued] = state.queued
  const isAnswered = state.ended !== null || findLastMessage(state)?.role !== "user"
  if (next === undefined || !isAnswered) return open
  return addUserContent({ ...open, queued }, next.content)
}

function findLastMessage({ messages }: ViewState): ViewMessage | undefined {
  return at(messages, messages.length - 1)
}

/** Returns the parts that the running run adds to. */
export function listCurrentParts(state: ViewState): List<ViewPart> {
  const last = findLastMessage(state)
  return last?.role === "assistant" ? listParts(last) : emptyList
}

/** Adds parts to the last message. If that is not the assistant's, adds a message of the assistant. */
export function addParts(state: ViewState, parts: readonly ViewPart[]): ViewState {
  if (parts.length === 0) return state
  if (findLastMessage(state)?.role !== "assistant") return addMessage(state, "assistant", parts)
  const last = state.messages.length - 1
  let list = listCurrentParts(state)
  let { calls } = state
  for (const part of parts) {
    calls = noteCall(calls, part, last, list.length)
    list = append(list, part)
  }
  return replaceParts({ ...state, calls }, last, list)
}

export function replaceLastPart(state: ViewState, part: ViewPart): ViewState {
  const parts = listCurrentParts(state)
  return replaceParts(state, state.messages.length - 1, replaceAt(parts, parts.length - 1, part))
}

/** Removes parts of the last message after the first `kept` ones. */
export function removeParts(
  state: ViewState,
  kept: number,
  isRemoved: (part: ViewPart) => boolean,
): ViewState {
  const parts = listCurrentParts(state)
  const later = entriesFrom(parts, kept)
  if (!later.some(isRemoved)) return state
  const before = replaceParts(state, state.messages.length - 1, truncate(parts, kept))
  return addParts(
    before,
    later.filter((part) => !isRemoved(part)),
  )
}

function replaceParts(state: ViewState, index: number, parts: List<ViewPart>): ViewState {
  const message = at(state.messages, index)
  if (message === undefined) return state
  return { ...state, messages: replaceAt(state.messages, index, createMessage(message, parts)) }
}

/** Adds usage to the last message. A turn without text and calls has none. */
export function addMessageUsage(state: ViewState, usage: Usage): ViewState {
  const last = findLastMessage(state)
  if (last?.role !== "assistant") return state
  const { id, role } = last
  const message = createMessage({ id, role, usage: sumUsage(last.usage, usage) }, listParts(last))
  return { ...state, messages: replaceAt(state.messages, state.messages.length - 1, message) }
}

/** Returns true if the view has the call. */
export function hasCall(state: ViewState, toolCallId: string): boolean {
  return findPart(state, toolCallId) !== null
}

/** Replaces a call, if the view has it. */
export function changeCall(
  state: ViewState,
  toolCallId: string,
  replace: (call: ViewToolCall) => ViewToolCall,
): ViewState {
  const found = findPart(state, toolCallId)
  if (found === null) return state
  const { call, parts, place } = found
  return replaceParts(state, place.message, replaceAt(parts, place.part, replace(call)))
}

function findPart({ messages, calls }: ViewState, toolCallId: string) {
  const place = findCall(calls, toolCallId)
  const message = place === null ? undefined : at(messages, place.message)
  if (place === null || message === undefined) return null
  const parts = listParts(message)
  const call = at(parts, place.part)
  // A discarded call leaves its place to another part.
  return call?.type === "tool" && call.tool_call_id === toolCallId ? { call, parts, place } : null
}
