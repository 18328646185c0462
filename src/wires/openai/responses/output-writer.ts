import type { MessageCompleted, StepRetried } from "../../../core/log/entries.ts"
import { addSpending, type Usage } from "../../../core/usage.ts"
import type { Frame } from "../../../http/streams/wire.ts"
import { beginDelta, type Fields, finishDelta, writeEvent } from "../frames.ts"
import { formatItemId } from "../ids.ts"
import { createOutputText, type Item } from "./items.ts"
import type { OpenPart, ResponseState } from "./state.ts"

/**
 * Numbers of events do not depend on the size of deltas, which may have been dropped: within a model attempt, an event
 * has the number of the last event before the attempt, plus this much for each part, plus the characters so far.
 */
const perPart = 8
/** More than the characters of an attempt, so that the numbers of the next attempt are higher. */
const perAttempt = 2 ** 20

/** Makes the next state of a response with the frames of its items, and shows the model's messages. */
export class OutputWriter {
  state: ResponseState
  readonly frames: Frame[] = []

  constructor(state: ResponseState) {
    this.state = state
  }

  addText(part: number, type: "text" | "thinking", text: string): void {
    const { attempt } = this.state
    if (text === "") return
    if (!attempt.parts.some((each) => each.part === part)) this.#openPart(part, type)
    const { base, characters, parts } = this.state.attempt
    const place = parts.findIndex((each) => each.part === part)
    const open = parts[place]
    if (open === undefined) return
    const count = characters + text.length
    const number = base + 3 + perPart * (parts.length - 1) + count
    this.frames.push(finishDelta(open.delta, text, number))
    const next = parts.with(place, { ...open, characters: open.characters + text.length })
    this.change({ number, attempt: { base, characters: count, parts: next } })
  }

  #openPart(part: number, type: "text" | "thinking"): void {
    const { attempt, nextIndex: index } = this.state
    const number = attempt.base + 1 + perPart * attempt.parts.length + attempt.characters
    this.change({ number: number - 1, nextIndex: index + 1 })
    const isText = type === "text"
    const itemId = this.itemId(isText ? "msg" : "rs", index)
    const item = isText
      ? { id: itemId, type: "message", role: "assistant", status: "in_progress", content: [] }
      : { id: itemId, type: "reasoning", status: "in_progress", summary: [] }
    const at = { item_id: itemId, output_index: index }
    this.emit("response.output_item.added", { output_index: index, item })
    if (isText)
      this.emit("response.content_part.added", { ...at, content_index: 0, part: createOutputText("") })
    else
      this.emit("response.reasoning_summary_part.added", {
        ...at,
        summary_index: 0,
        part: { type: "summary_text", text: "" },
      })
    const delta = isText
      ? beginDelta("response.output_text.delta", { ...at, content_index: 0, logprobs: [] })
      : beginDelta("response.reasoning_summary_text.delta", { ...at, summary_index: 0 })
    const open: OpenPart = { part, type, itemId, index, characters: 0, delta }
    this.change({ attempt: { ...attempt, parts: [...attempt.parts, open] } })
  }

  protected complete({ message, usage }: MessageCompleted): void {
    for (const [part, content] of message.content.entries()) {
      if (content.type !== "text" && content.type !== "thinking") continue
      // The deltas may have been dropped (rule 6).
      const seen = this.state.attempt.parts.find((each) => each.part === part)?.characters ?? 0
      this.addText(part, content.type, content.text.slice(seen))
    }
    for (const open of this.state.attempt.parts) {
      const content = message.content[open.part]
      this.#closePart(open, content?.type === "text" || content?.type === "thinking" ? content.text : "")
    }
    this.spend(usage)
    this.startAttempt()
  }

  #closePart({ type, itemId, index }: OpenPart, text: string): void {
    const at = { item_id: itemId, output_index: index }
    if (type === "text") {
      const part = createOutputText(text)
      this.emit("response.output_text.done", { ...at, content_index: 0, text, logprobs: [] })
      this.emit("response.content_part.done", { ...at, content_index: 0, part })
      this.finishItem(index, {
        id: itemId,
        type: "message",
        role: "assistant",
        status: "completed",
        content: [part],
      })
    } else {
      const part = { type: "summary_text", text } as const
      this.emit("response.reasoning_summary_text.done", { ...at, summary_index: 0, text })
      this.emit("response.reasoning_summary_part.done", { ...at, summary_index: 0, part })
      this.finishItem(index, { id: itemId, type: "reasoning", status: "completed", summary: [part] })
    }
  }

  /** Closes the discarded items. They are not part of the final output. */
  protected retry({ opened = [] }: StepRetried): void {
    for (const each of opened) {
      if (each.type === "toolInput" || this.state.attempt.parts.some(({ part }) => part === each.part))
        continue
      this.#openPart(each.part, each.type)
    }
    this.change({ number: this.state.attempt.base + perAttempt })
    this.discardParts()
    this.startAttempt()
  }

  protected startAttempt(): void {
    this.change({ attempt: { base: this.state.number, characters: 0, parts: [] } })
  }

  /** Closes items whose text was discarded. They are not part of the final output. */
  protected discardParts(): void {
    for (const { type, itemId, index } of this.state.attempt.parts) {
      const item =
        type === "text"
          ? { id: itemId, type: "message", role: "assistant", status: "incomplete", content: [] }
          : { id: itemId, type: "reasoning", status: "incomplete", summary: [] }
      this.emit("response.output_item.done", { output_index: index, item })
    }
  }

  protected finishItem(index: number, item: Item): void {
    this.emit("response.output_item.done", { output_index: index, item })
    this.change({ output: [...this.state.output, { index, item }] })
  }

  protected emit(type: string, fields: Fields): void {
    const number = this.state.number + 1
    this.frames.push(writeEvent(type, fields, number))
    this.change({ number })
  }

  protected takeIndex(): number {
    const { nextIndex } = this.state
    this.change({ nextIndex: nextIndex + 1 })
    return nextIndex
  }

  protected itemId(type: Parameters<typeof formatItemId>[0], index: number): string {
    return formatItemId(type, { response: this.state.place, index })
  }

  protected spend(usage: Usage): void {
    const sum = addSpending({ usage: this.state.usage, cost: null }, { usage, cost: null })
    this.change({ usage: sum.usage })
  }

  protected change(part: Partial<ResponseState>): void {
    this.state = { ...this.state, ...part }
  }
}
