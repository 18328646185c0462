import type { Anthropic } from "@anthropic-ai/sdk"
import type {
  ModelDelta,
  ModelEnd,
  ModelInputDelta,
  ModelProgress,
  StopReason,
} from "../../../core/ports/model/provider.ts"
import { noUsage, type Usage } from "../../../core/usage.ts"
import { HiddenProgress } from "../transport/hidden-progress.ts"
import type { AnswerFold } from "../transport/stream-answer.ts"
import { BrokenStreamError } from "../transport/stream-fault.ts"
import { applyDelta, type Block, beginBlock, createFirstDelta, toPart } from "./content-block.ts"

/**
 * Folds the raw events of one response (https://docs.claude.com/en/api/messages-streaming) into deltas, counts and,
 * when it is complete, the end. Ignores unknown events, and keeps unknown blocks unchanged. Throws for an event that
 * contradicts earlier ones.
 */
export class AnthropicFold implements AnswerFold {
  #messageId: string | null = null
  #model: string | null = null
  #stopReason: Anthropic.StopReason | null = null
  #usage: Usage | null = null
  readonly #hidden = new HiddenProgress()
  readonly #blocks = new Map<number, Block>()
  #complete = false

  get complete(): boolean {
    return this.#complete
  }

  get whole(): boolean {
    return this.#complete
  }

  get ended(): boolean {
    return this.#complete
  }

  get advanced(): boolean {
    return this.#hidden.advanced
  }

  /** Returns the text or the count of the event, if it has one. */
  apply(event: Anthropic.RawMessageStreamEvent): ModelDelta | ModelInputDelta | ModelProgress | null {
    switch (event.type) {
      case "content_block_delta":
        if (event.delta.type === "input_json_delta")
          this.#hidden.bytes += Buffer.byteLength(event.delta.partial_json)
        this.#hidden.advanced ||= hasContent(event.delta)
        return applyDelta(this.#block(event.index), event.delta)
      case "content_block_start":
        return this.#start(event)
      case "message_start":
        this.#begin(event.message)
        return this.#count(event.message.usage)
      case "message_delta":
        this.#stopReason = event.delta.stop_reason ?? this.#stopReason
        return this.#count(event.usage)
      case "message_stop":
        this.#complete = true
        return null
      default:
        // The next block or the end makes `content_block_stop` redundant. The API may add events.
        return null
    }
  }

  progress(): ModelProgress {
    return this.#hidden.take(this.#usage)
  }

  end(requestedModel: string): ModelEnd {
    return {
      type: "end",
      content: [...this.#blocks.values()].map(toPart),
      stopReason: toStopReason(this.#stopReason),
      model: this.#model ?? requestedModel,
      usage: this.#usage,
    }
  }

  /** Accepts a repeated `message_start` of the same message if no content arrived in between. */
  #begin({ id, model }: Pick<Anthropic.Message, "id" | "model">): void {
    if (this.#blocks.size > 0 || (this.#messageId ?? id) !== id)
      throw new BrokenStreamError("A second message starts within the response.")
    this.#messageId = id
    this.#model ??= model
  }

  #start({ index, content_block }: Anthropic.RawContentBlockStartEvent): ModelDelta | null {
    if (this.#blocks.has(index)) throw new BrokenStreamError(`Content block ${index} begins twice.`)
    const block = beginBlock(this.#blocks.size, content_block)
    this.#blocks.set(index, block)
    this.#hidden.advanced ||= content_block.type !== "text" && content_block.type !== "thinking"
    return createFirstDelta(block, content_block)
  }

  /**
   * Updates the counts. They are cumulative, and a later event omits unchanged counts. Compatible servers may omit
   * all.
   */
  #count(
    later: Partial<Anthropic.Usage | Anthropic.MessageDeltaUsage> | undefined | null,
  ): ModelProgress | null {
    if (!later) return null
    const before = this.#usage ?? noUsage
    const usage = {
      inputTokens: later.input_tokens ?? before.inputTokens,
      outputTokens: later.output_tokens ?? before.outputTokens,
      cacheCreationInputTokens: later.cache_creation_input_tokens ?? before.cacheCreationInputTokens,
      cacheReadInputTokens: later.cache_read_input_tokens ?? before.cacheReadInputTokens,
    }
    this.#usage = usage
    return this.progress()
  }

  #block(index: number): Block {
    const block = this.#blocks.get(index)
    if (block === undefined)
      throw new BrokenStreamError(`A delta for content block ${index}, which has not started.`)
    return block
  }
}

/**
 * Returns true if the delta has content. Text and input are checked by their bytes, and all other fields, such as a
 * signature or a citation, by not being empty.
 */
function hasContent(delta: Anthropic.RawContentBlockDelta): boolean {
  switch (delta.type) {
    case "text_delta":
    case "thinking_delta":
    case "input_json_delta":
      return false
    default:
      return Object.entries(delta).some(([name, value]) => name !== "type" && !isEmpty(value))
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" ? Object.keys(value ?? {}).length === 0 : value === ""
}

function toStopReason(reason: Anthropic.StopReason | null): StopReason {
  switch (reason) {
    case "tool_use":
      return "toolCalls"
    case "max_tokens":
      return "maxTokens"
    case "pause_turn":
      return "pause"
    case "refusal":
      return "refusal"
    case "model_context_window_exceeded":
      return "contextFull"
    case "end_turn":
    case "stop_sequence":
    case null:
      return "end"
    default:
      // This is a reason newer than this code. The response did end.
      reason satisfies never
      return "end"
  }
}
