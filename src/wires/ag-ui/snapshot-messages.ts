import type { AssistantMessage, Message } from "../../core/history/messages.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { EventEntry, LiveEntry } from "../../core/log/entries.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import {
  createInterruptedResult,
  createResultContent,
  createResultId,
  formatContent,
} from "./fold/event-frames.ts"
import { createMessageId, createPartId, listTexts, markPart } from "./fold/message-parts.ts"
import { readMessageId } from "./user-message-id.ts"

/** A message of AG-UI, with the id under which it was streamed. */
export type SnapshotMessage =
  | { readonly id: string; readonly role: "user" | "reasoning" | "system"; readonly content: string }
  | ResultMessage
  | {
      readonly id: string
      readonly role: "assistant"
      readonly content?: string
      readonly toolCalls?: readonly SnapshotCall[]
    }

interface ResultMessage {
  readonly id: string
  readonly role: "tool"
  readonly toolCallId: string
  readonly content: string
  readonly metadata?: { readonly isError: boolean }
}

interface SnapshotCall {
  readonly id: string
  readonly type: "function"
  readonly function: { readonly name: string; readonly arguments: string }
}

/** Folds the entries of ended runs, in their order, into the messages that a client of these runs has. */
export class SnapshotFold {
  messages: SnapshotMessage[] = []
  /** If true, the client's own conversation replaced the messages of earlier runs. */
  isReplacement = false
  /** The id of the message of the current turn. */
  #messageId = ""
  /** If true, the events are those of a call without a model, which is no part of the conversation. */
  #isInCall = false
  readonly #resultIds: ReadonlyMap<string, string>

  /** `resultIds`: the client's ids of the messages that have results of tools, by call. */
  constructor(resultIds: ReadonlyMap<string, string> = new Map()) {
    this.#resultIds = resultIds
  }

  add(entries: readonly LiveEntry[]): void {
    for (const entry of entries) if (entry.kind === "event") this.#addEvent(entry)
  }

  #addEvent({ event, seq, runId }: EventEntry): void {
    if (event.type === "runStarted") this.#isInCall = event.call !== undefined
    if (this.#isInCall && event.type !== "historyReplaced") return
    switch (event.type) {
      case "historyReplaced":
        this.isReplacement = true
        this.messages = event.messages.flatMap((message, index) => toMessages(message, `msg_${seq}_${index}`))
        return
      case "runStarted":
        this.messages.push({
          id: readMessageId(runId, event),
          role: "user",
          content: formatContent(event.content),
        })
        return
      case "userMessageAdded":
        this.messages.push({ id: `msg_user_${seq}`, role: "user", content: formatContent(event.content) })
        return
      case "stepStarted":
        this.#messageId = event.messageId
        return
      case "stepRetried":
        this.#messageId = createMessageId(this.#messageId, event.attempt)
        return
      case "messageCompleted":
        this.messages.push(...toTexts(event.message, this.#messageId))
        return
      case "toolCallRequested":
        this.#addCall(createCall(event.toolCallId, event.name, event.input))
        return
      case "toolCallCompleted":
        this.#addResult(event.toolCallId, event.result)
        return
      case "toolCallInterrupted":
        this.#addResult(event.toolCallId, createInterruptedResult(event))
        return
      default:
        return
    }
  }

  #addResult(toolCallId: string, result: ToolResult): void {
    const message = createResultMessage(toolCallId, result)
    this.messages.push({ ...message, id: this.#resultIds.get(toolCallId) ?? message.id })
  }

  /** Adds a call to the turn's message. A turn without a text has a message for its calls only. */
  #addCall(call: SnapshotCall): void {
    const id = this.#messageId
    const index = this.messages.findLastIndex((message) => message.id === id)
    const message = this.messages[index]
    if (message?.role !== "assistant") this.messages.push({ id, role: "assistant", toolCalls: [call] })
    else this.messages[index] = { ...message, toolCalls: [...(message.toolCalls ?? []), call] }
  }
}

function createResultMessage(toolCallId: string, result: ToolResult): ResultMessage {
  return { id: createResultId(toolCallId), role: "tool", toolCallId, ...createResultContent(result) }
}

/** Returns the messages of AG-UI for a message of a client's own conversation. */
function toMessages(message: Message, id: string): readonly SnapshotMessage[] {
  switch (message.role) {
    case "tool":
      return message.results.map(({ toolCallId, result }) => createResultMessage(toolCallId, result))
    case "user":
    case "system":
      return [{ id, role: message.role, content: formatContent(message.content) }]
    case "assistant":
      return toTexts(message, id)
    default:
      return message satisfies never
  }
}

function toTexts(message: AssistantMessage, id: string): readonly SnapshotMessage[] {
  const texts = listTexts(message)
  const first = texts.find(({ type }) => type === "text")
  return texts.map((part) => {
    const role = part.type === "text" ? "assistant" : "reasoning"
    return { id: createPartId(id, markPart(part, part === first)), role, content: part.text }
  })
}

function createCall(id: string, name: string, input: JsonObject): SnapshotCall {
  return { id, type: "function", function: { name, arguments: JSON.stringify(input) } }
}
