import { eventStreamType } from "../../../http/streams/server-sent-events.ts"
import type { Folded, Frame, StreamEnd, Wire } from "../../../http/streams/wire.ts"
import { toChatUsage } from "./ending.ts"
import { type ChatPiece, type ChatState, emptyChat, foldChat, parkChat } from "./fold.ts"

/** Facts of a completion that are not in the log. */
export interface ChatFacts {
  readonly id: string
  readonly model: string
  /** Seconds since the Unix epoch. */
  readonly created: number
  readonly includeUsage: boolean
}

/** A stream with the texts that are the same in all its chunks, because one is written for each token. */
interface ChatStream {
  readonly facts: ChatFacts
  readonly head: string
  readonly tail: string
  readonly chat: ChatState
}

/** Returns the state of a new stream, and the first chunk. */
export function openChatStream(facts: ChatFacts): Folded<ChatStream> {
  const { includeUsage, ...head } = facts
  const members = {
    object: "chat.completion.chunk",
    ...head,
    service_tier: "default",
    system_fingerprint: null,
  }
  const stream = {
    facts,
    head: `${JSON.stringify(members).slice(0, -1)},"choices":[`,
    tail: `]${includeUsage ? ',"usage":null' : ""}}`,
    chat: emptyChat,
  }
  return [stream, [writeChoice(stream, { role: "assistant", content: "" })]]
}

/** The chunks of a completion: https://platform.openai.com/docs/api-reference/chat-streaming */
export const chatWire: Wire<ChatStream> = {
  name: "openai chat completions",
  contentType: eventStreamType,
  replayFrom: "run",
  endsWhenParked: true,
  start: () => openChatStream({ id: "", model: "", created: 0, includeUsage: false })[0],
  isSame: (one, other) => one.facts === other.facts && one.chat.progress === other.chat.progress,
  fold(stream, entry) {
    const [chat, pieces] = foldChat(stream.chat, entry)
    return [{ ...stream, chat }, pieces.flatMap((piece) => writePiece(stream, piece))]
  },
  end: endStream,
  write: (frame) => `data: ${frame}\n\n`,
  heartbeat: () => ": heartbeat\n\n",
  queued: () => [],
  failure: () => [writeError("internal_error", "A part of the response could not be shown.")],
  subAgents: null,
}

function endStream(stream: ChatStream, end: StreamEnd): readonly Frame[] {
  const pieces = end.type === "parked" ? parkChat(stream.chat, end.waits)[1] : []
  return [...pieces.flatMap((piece) => writePiece(stream, piece)), "[DONE]"]
}

function writePiece(stream: ChatStream, piece: ChatPiece): readonly Frame[] {
  const { head, tail, facts } = stream
  if (piece.type !== "end") {
    const delta = `{"${piece.type}":${JSON.stringify(piece.text)}}`
    return [`${head}{"index":0,"delta":${delta},"logprobs":null,"finish_reason":null}${tail}`]
  }
  const { end, calls, usage } = piece
  if (end.type === "failed") return [writeError(end.code, end.message)]
  const handed = calls.map((call, index) => writeChoice(stream, { tool_calls: [{ index, ...call }] }))
  const last = writeChoice(stream, {}, end.reason)
  const counted = `${head}],"usage":${JSON.stringify(toChatUsage(usage))}}`
  return [...handed, last, ...(facts.includeUsage ? [counted] : [])]
}

function writeChoice({ head, tail }: ChatStream, delta: object, finishReason: string | null = null): Frame {
  return `${head}${JSON.stringify({ index: 0, delta, logprobs: null, finish_reason: finishReason })}${tail}`
}

function writeError(code: string, message: string): Frame {
  return JSON.stringify({ error: { message, type: "server_error", param: null, code } })
}
