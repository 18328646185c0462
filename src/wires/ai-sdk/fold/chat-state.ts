/** The message of a run as one subscriber has received it. */
export interface ChatState {
  readonly message: ShownMessage
  /** The text or reasoning that is being streamed. */
  readonly open: OpenText | null
  /** Characters of the open part that were received. */
  readonly length: number
}

/** Changes with events only, so that a token copies none of it. */
export interface ShownMessage {
  readonly shows: ShownPart
  /** The subscriber's cursor. 0 after the first frame was sent. */
  readonly afterSeq: number
  /** `left`: the rest of the run belongs to another message. */
  readonly phase: "before" | "open" | "left" | "ended"
  readonly runId: string
  /** If true, the arguments of calls are streamed. */
  readonly streamsInput: boolean
  /** Counts the messages of the run from 1. A steering message starts another one. */
  readonly number: number
  readonly hasSteps: boolean
  /** Sequence number of the last event. */
  readonly seq: number
  /** The parts of the open response that are complete, with their characters. */
  readonly closed: readonly ClosedText[]
  /** The calls of the open step. */
  readonly calls: ReadonlyMap<string, ShownCall>
  /** The waits that were shown as open questions. */
  readonly asked: readonly string[]
}

/**
 * The part of a run that a response shows.
 *
 * - `new`: the first message of a run. The client adds the chunks to a message of its own.
 * - `steered`: the message that starts when the client's message joins the run.
 * - `continued`: what follows the answers. The client adds it to the message that it has.
 * - `resumed`: all messages of the run. The client builds each of them again.
 */
export type ShownPart = "new" | "steered" | "continued" | "resumed"

export interface OpenText {
  readonly type: "text" | "reasoning"
  readonly messageId: string
  readonly part: number
  /** The frame of a delta up to its text. */
  readonly prefix: string
}

export interface ClosedText {
  readonly part: number
  readonly length: number
}

export interface ShownCall {
  readonly toolName: string
  readonly isDenied: boolean
}

export function startChat(afterSeq: number, shows: ShownPart = "resumed"): ChatState {
  const message: ShownMessage = {
    ...{
      shows,
      afterSeq,
      phase: "before",
      runId: "",
      streamsInput: false,
      number: 1,
      hasSteps: false,
      seq: 0,
    },
    ...{ closed: [], calls: new Map(), asked: [] },
  }
  return { message, open: null, length: 0 }
}

export function isSameChat(one: ChatState, other: ChatState): boolean {
  if (one.length !== other.length || one.open?.prefix !== other.open?.prefix) return false
  return one.message === other.message || isSameMessage(one.message, other.message)
}

/** The last event of a run decides about everything but that which depends on the subscriber's cursor. */
function isSameMessage(one: ShownMessage, other: ShownMessage): boolean {
  if (
    one.shows !== other.shows ||
    one.runId !== other.runId ||
    one.seq !== other.seq ||
    one.phase !== other.phase
  )
    return false
  return (
    one.afterSeq === other.afterSeq &&
    isSameList(one.asked, other.asked) &&
    isSameList([...one.calls.keys()], [...other.calls.keys()]) &&
    isSameList(one.closed.map(formatClosed), other.closed.map(formatClosed))
  )
}

function formatClosed({ part, length }: ClosedText): string {
  return `${part} ${length}`
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index])
}

/** Returns the id of the message. The first one of a run has the id of the run. */
export function toMessageId({ runId, number }: ShownMessage): string {
  return number === 1 ? runId : `${runId}_${number}`
}

export function changeMessage(state: ChatState, change: Partial<ShownMessage>): ChatState {
  return { ...state, message: { ...state.message, ...change } }
}

export function addCall(state: ChatState, toolCallId: string, call: ShownCall): ChatState {
  return changeMessage(state, { calls: new Map(state.message.calls).set(toolCallId, call) })
}
