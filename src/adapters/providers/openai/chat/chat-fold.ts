import type { ModelPart, VendorData } from "../../../../core/history/messages.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import type {
  ModelDelta,
  ModelEnd,
  ModelInputDelta,
  ModelProgress,
} from "../../../../core/ports/model/provider.ts"
import { callInput } from "../../tool-calls/call-input.ts"
import { callName } from "../../tool-calls/call-name.ts"
import { HiddenProgress } from "../../transport/hidden-progress.ts"
import { ServiceError } from "../service-error.ts"
import type { OpenAiFold } from "../stream-answer.ts"
import { isFailure, toStopReason, toUsage } from "./chat-end.ts"
import { type ChatChunk, readChunk } from "./chunk.ts"
import { joinReasoningDetails } from "./reasoning-details.ts"
import { type AssembledCall, ToolCallAssembly } from "./tool-call-assembly.ts"

const nothing: readonly ModelDelta[] = []

type Deltas = readonly (ModelDelta | ModelInputDelta)[]

/**
 * Folds the chunks of one response. Text is one part, reasoning another, wherever their pieces arrive. Each call is a
 * further part. A response is whole when it has a finish reason. The usage and `[DONE]` may follow or not.
 */
export class ChatFold implements OpenAiFold {
  readonly #vendor: string
  #complete = false
  #ended = false
  #finishReason: string | null = null
  #model: string | null = null
  #usage: JsonObject | null = null
  #refused = false
  readonly #hidden = new HiddenProgress()
  readonly #details: JsonObject[] = []
  readonly #calls = new ToolCallAssembly()
  readonly #parts: (Shown | AssembledCall)[] = []
  readonly #positions = new Map<AssembledCall, number>()

  /** @param vendor The tag of the parts' vendor data. */
  constructor(vendor: string) {
    this.#vendor = vendor
  }

  get advanced(): boolean {
    return this.#hidden.advanced
  }

  get complete(): boolean {
    return this.#complete
  }

  get whole(): boolean {
    return this.#complete || this.#finishReason !== null
  }

  get ended(): boolean {
    return this.#ended
  }

  apply(sent: string): Deltas {
    const data = sent.trim()
    // The marker alone is not a response.
    if (data === "[DONE]") this.#complete = this.#finishReason !== null || this.#parts.length > 0
    return data === "" || data === "[DONE]" ? nothing : this.#add(readChunk(data))
  }

  progress(): ModelProgress {
    return this.#hidden.take(toUsage(this.#usage))
  }

  end(requestedModel: string): ModelEnd {
    const called = this.#parts.some((part) => "arguments" in part)
    return {
      type: "end",
      content: this.#parts.map((part) => this.#toPart(part)),
      stopReason: toStopReason(this.#finishReason, { called, refused: this.#refused }),
      model: this.#model ?? requestedModel,
      usage: toUsage(this.#usage),
    }
  }

  #add(chunk: ChatChunk): Deltas {
    const { finishReason } = chunk
    this.#usage = chunk.usage ?? this.#usage
    if (finishReason !== null && isFailure(finishReason)) throw new ServiceError({ code: finishReason })
    if (finishReason !== null && this.#finishReason === null) this.#hidden.advanced = true
    this.#finishReason = finishReason ?? this.#finishReason
    // Some proxies send a reason with every piece (https://github.com/QuantumNous/new-api/issues/378). Only a reason
    // that comes alone, after all pieces, certainly marks the end.
    if (hasPart(chunk)) this.#ended = false
    else if (finishReason !== null) this.#ended = this.#parts.length > 0
    this.#model ??= chunk.model
    this.#refused ||= chunk.refusal !== ""
    // The part is created even without text, because encrypted reasoning must be sent back.
    if (chunk.reasoningDetails.length > 0) this.#indexOf("thinking")
    this.#details.push(...chunk.reasoningDetails)
    this.#hidden.advanced ||= chunk.reasoningDetails.some(hasReasoning)
    const deltas: (ModelDelta | ModelInputDelta)[] = [
      ...this.#show("thinking", chunk.reasoning),
      ...this.#show("text", chunk.text + chunk.refusal),
    ]
    for (const piece of chunk.toolCalls) {
      this.#hidden.bytes += Buffer.byteLength(piece.arguments)
      const added = this.#calls.add(piece)
      if (added === null) continue
      if (added.isNew) {
        this.#hidden.advanced = true
        this.#positions.set(added.call, this.#parts.push(added.call) - 1)
      }
      if (piece.arguments !== "" && added.call.name !== "") deltas.push(this.#input(added.call, piece))
    }
    return deltas
  }

  #show(type: Shown["type"], text: string): readonly ModelDelta[] {
    if (text === "") return nothing
    const part = this.#indexOf(type)
    const shown = this.#parts[part] as Shown
    shown.text += text
    return [{ type: `${type}Delta`, part, text }]
  }

  #input(call: AssembledCall, { arguments: text }: ChatChunk["toolCalls"][number]): ModelInputDelta {
    return { type: "toolInputDelta", part: this.#positions.get(call) ?? 0, name: callName(call.name), text }
  }

  #indexOf(type: Shown["type"]): number {
    const known = this.#parts.findIndex((part) => "type" in part && part.type === type)
    return known === -1 ? this.#parts.push({ type, text: "" }) - 1 : known
  }

  #toPart(part: Shown | AssembledCall): ModelPart {
    if ("arguments" in part) {
      const { id, name, extra } = part
      const data = { ...extra, ...(id !== null && { id }) }
      return { type: "toolCall", name: callName(name), ...callInput(part.arguments), vendor: this.#own(data) }
    }
    if (part.type === "text") return { type: "text", text: part.text }
    const details = joinReasoningDetails(this.#details)
    const data = details.length === 0 ? {} : { reasoning_details: details }
    // The tag is added even without data, because it marks the reasoning's provider.
    return { ...part, vendor: this.#own(data) }
  }

  #own(data: JsonObject): VendorData {
    return { provider: this.#vendor, data }
  }
}

interface Shown {
  readonly type: "text" | "thinking"
  text: string
}

/** Returns true if there is encrypted reasoning. The text is checked elsewhere, because it is shown. */
function hasReasoning({ data, signature }: JsonObject): boolean {
  return [data, signature].some((value) => typeof value === "string" && value !== "")
}

/** Returns true if the chunk contains a part of the response itself. */
function hasPart({ text, refusal, reasoning, reasoningDetails, toolCalls }: ChatChunk): boolean {
  return text + refusal + reasoning !== "" || reasoningDetails.length > 0 || toolCalls.length > 0
}
