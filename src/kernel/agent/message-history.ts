import { listImages, replaceImages } from "../../core/history/images.ts"
import type { AssistantMessage, ImagePart, Message } from "../../core/history/messages.ts"
import type { JsonObject } from "../../core/json/json.ts"
import { estimateJsonSize } from "../../core/json/json-size.ts"
import type { HistoryCompacted } from "../../core/log/compaction.ts"
import type { MessageCompleted, ToolCallRequested } from "../../core/log/entries.ts"
import type { HistoryReplaced } from "../../core/log/history-events.ts"
import { createSummaryMessage, refusedImageNote } from "./conversation-notes.ts"
import { truncateResult } from "./tools/truncate-result.ts"

/** The place of a message in the log. */
export interface MessageOrigin {
  /** Sequence number of the event with the message. */
  readonly seq: number
  /** Index among the messages of that event. */
  readonly index: number
}

/** Tokens that a provider counted for a request and its response, which are the first messages. */
export interface ReportedTokens {
  readonly model: string
  readonly tokens: number
  /** Number of messages in the request and its response. */
  readonly messages: number
}

/** The messages of a conversation as plain data. */
export interface HistoryState {
  readonly messages: readonly Message[]
  readonly origins: readonly MessageOrigin[]
  readonly compacted: HistoryCompacted | null
  readonly reported: ReportedTokens | null
  readonly accepted: number
  readonly characters: number
  /** Indexes of the refused images among all images of the messages. */
  readonly refused: readonly number[]
}

/** Most conversations have no such images, so they share this set. */
const noImages: ReadonlySet<ImagePart> = new Set()

/** The messages of a conversation, and their form for a model. */
export class MessageHistory {
  #messages: Message[] = []
  #origins: MessageOrigin[] = []
  #compacted: HistoryCompacted | null = null
  #reported: ReportedTokens | null = null
  /** Number of messages that a model has responded to. */
  #accepted = 0
  #characters = 0
  /** Images that a provider refused: it responded to the messages without them. */
  #refused = noImages
  /** Images that the open step leaves out for a retry. */
  #suspected = noImages

  /** Messages after the last compaction. */
  get messages(): readonly Message[] {
    return this.#messages
  }

  /** Approximate size of the messages as JSON. */
  get characters(): number {
    return this.#characters
  }

  /** Places of the messages in the log. */
  get origins(): readonly MessageOrigin[] {
    return this.#origins
  }

  /** The compaction whose summary replaced the messages before these. Null if there was none. */
  get compacted(): HistoryCompacted | null {
    return this.#compacted
  }

  /** The tokens that a provider counted for the first messages. Null if the messages changed since then. */
  get reported(): ReportedTokens | null {
    return this.#reported
  }

  /** The messages for a model: after the summary, and with a note in place of each refused image. */
  get shown(): readonly Message[] {
    const messages =
      this.#compacted === null ? this.#messages : [createSummaryMessage(this.#compacted), ...this.#messages]
    if (this.#refused.size + this.#suspected.size === 0) return messages
    return replaceImages(messages, (image) =>
      this.#refused.has(image) || this.#suspected.has(image)
        ? { type: "text", text: refusedImageNote }
        : image,
    )
  }

  /**
   * Removes and returns the messages that no later event can change: all except the last, and the last one if it is
   * the user's. The calls of a response may still change.
   */
  takeFinished(): readonly Message[] {
    const isLastFinal = this.#messages.at(-1)?.role === "user"
    const finished = this.#messages.length - (isLastFinal ? 0 : 1)
    this.#origins.splice(0, finished)
    const taken = this.#messages.splice(0, finished)
    this.#measure()
    return taken
  }

  /** Returns null while the step is retried without some of its images. */
  capture(): HistoryState | null {
    if (this.#suspected.size > 0) return null
    const images = this.#refused.size === 0 ? [] : listImages(this.#messages)
    return {
      messages: [...this.#messages],
      origins: [...this.#origins],
      compacted: this.#compacted,
      reported: this.#reported,
      accepted: this.#accepted,
      characters: this.#characters,
      refused: images.flatMap((image, index) => (this.#refused.has(image) ? [index] : [])),
    }
  }

  restore({ messages, origins, compacted, reported, accepted, characters, refused }: HistoryState): void {
    this.#messages = [...messages]
    this.#origins = [...origins]
    this.#compacted = compacted
    this.#reported = reported
    this.#accepted = accepted
    this.#characters = characters
    const images = refused.length === 0 ? [] : listImages(messages)
    const indexes = new Set(refused)
    this.#refused = indexes.size === 0 ? noImages : new Set(images.filter((_, index) => indexes.has(index)))
  }

  push(message: Message, seq: number): void {
    this.#messages.push(message)
    this.#characters += estimateJsonSize(message)
    this.#origins.push({ seq, index: 0 })
  }

  replaceAll({ messages }: HistoryReplaced, seq: number): void {
    this.#messages = [...messages]
    this.#origins = messages.map((_, index) => ({ seq, index }))
    this.#compacted = null
    this.#reported = null
    this.#accepted = 0
    this.#refused = noImages
    this.#measure()
  }

  /** Replaces the messages before the first kept one by the summary. */
  compact(event: HistoryCompacted): void {
    const { keptFromSeq, keptFromIndex } = event
    const first = this.#origins.findIndex(
      ({ seq, index }) => seq > keptFromSeq || (seq === keptFromSeq && index >= keptFromIndex),
    )
    const dropped = first === -1 ? this.#messages.length : first
    this.#messages.splice(0, dropped)
    this.#origins.splice(0, dropped)
    this.#accepted = Math.max(0, this.#accepted - dropped)
    this.#compacted = event
    this.#reported = null
    if (this.#refused.size > 0) {
      this.#refused = new Set(listImages(this.#messages).filter((image) => this.#refused.has(image)))
    }
    this.#measure()
  }

  /** Truncates tool results. Arguments and texts stay unchanged. */
  shortenResults(maxBytes: number): void {
    this.#reported = null
    this.#messages = this.#messages.map((message) =>
      message.role === "tool"
        ? {
            ...message,
            results: message.results.map(({ toolCallId, result }) => ({
              toolCallId,
              result: truncateResult(result, maxBytes),
            })),
          }
        : message,
    )
    this.#measure()
  }

  respond({ message, model, usage, estimated }: MessageCompleted, seq: number): void {
    if (message.content.length > 0) this.push(message, seq)
    this.#accepted = this.#messages.length
    if (this.#suspected.size > 0) this.#refused = new Set([...this.#refused, ...this.#suspected])
    this.#suspected = noImages
    const { inputTokens, cacheCreationInputTokens, cacheReadInputTokens, outputTokens } = usage
    const tokens = inputTokens + cacheCreationInputTokens + cacheReadInputTokens + outputTokens
    this.#reported = estimated ? null : { model, tokens, messages: this.#accepted }
  }

  /** Shows the model the arguments that the call's result belongs to. */
  editCall(toolCallId: string, input: JsonObject): void {
    const last = this.#messages.at(-1)
    if (last?.role !== "assistant") return
    const content = last.content.map((part) =>
      part.type === "toolCall" && part.toolCallId === toolCallId ? { ...part, input } : part,
    )
    this.#messages.splice(-1, 1, { role: "assistant", content })
  }

  /** Adds a call to a logged message, because a foreign runner may report a further call later. */
  nameCall({ toolCallId, name, input }: ToolCallRequested, seq: number): void {
    const last = this.#messages.at(-1)
    const message: AssistantMessage = last?.role === "assistant" ? last : { role: "assistant", content: [] }
    if (message.content.some((part) => part.type === "toolCall" && part.toolCallId === toolCallId)) return
    const content = [...message.content, { type: "toolCall", toolCallId, name, input } as const]
    if (message === last) this.#messages.splice(-1, 1, { role: "assistant", content })
    else this.push({ role: "assistant", content }, seq)
  }

  /**
   * Suspects the images that no model has responded to yet. If all of these are suspected already, suspects all
   * images.
   */
  suspectImages(): void {
    const unseen = listImages(this.#messages.slice(this.#accepted)).filter(
      (image) => !this.#suspected.has(image),
    )
    const suspected = unseen.length > 0 ? unseen : listImages(this.#messages)
    this.#suspected = new Set([...this.#suspected, ...suspected])
  }

  /** Clears the suspicions, because the request without the images failed as well. */
  clearSuspicions(): void {
    this.#suspected = noImages
  }

  #measure(): void {
    this.#characters = 0
    for (const message of this.#messages) this.#characters += estimateJsonSize(message)
  }
}
