import type { OpenAI } from "openai"
import { isJsonObject, type Json, type JsonObject } from "../../../../core/json/json.ts"
import type {
  ModelDelta,
  ModelEnd,
  ModelInputDelta,
  ModelProgress,
} from "../../../../core/ports/model/provider.ts"
import { callName } from "../../tool-calls/call-name.ts"
import { HiddenProgress } from "../../transport/hidden-progress.ts"
import { BrokenStreamError } from "../../transport/stream-fault.ts"
import { ServiceError } from "../service-error.ts"
import type { OpenAiFold } from "../stream-answer.ts"
import { toStopReason, toUsage } from "./response-end.ts"
import { findPartType, type PartState, toPart } from "./response-parts.ts"

const nothing: readonly ModelDelta[] = []

type Deltas = readonly (ModelDelta | ModelInputDelta)[]

/**
 * Folds the events of one response (https://platform.openai.com/docs/api-reference/responses-streaming). Each output
 * item is a part. For a message, each piece of its content is a part. A completed item is sent back to the service
 * later.
 */
export class ResponseFold implements OpenAiFold {
  readonly #vendor: string
  #response: OpenAI.Responses.Response | null = null
  #complete = false
  readonly #hidden = new HiddenProgress()
  readonly #items = new Map<number, JsonObject>()
  /** Events about items that have counted as progress. */
  readonly #reported = new Set<string>()
  readonly #parts = new Map<string, PartState>()

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
    return this.#complete
  }

  get ended(): boolean {
    return this.#complete
  }

  apply(data: string): Deltas {
    // Some compatible servers end with the marker of another API.
    return data === "[DONE]" ? nothing : this.#apply(JSON.parse(data))
  }

  progress(): ModelProgress {
    return this.#hidden.take(toUsage(this.#response?.usage))
  }

  end(requestedModel: string): ModelEnd {
    const parts = [...this.#parts.values()]
    return {
      type: "end",
      content: parts.map((state) => toPart(state, this.#items.get(state.itemIndex) ?? {}, this.#vendor)),
      stopReason: toStopReason(this.#response, parts),
      model: this.#response?.model ?? requestedModel,
      usage: toUsage(this.#response?.usage),
    }
  }

  #apply(event: OpenAI.Responses.ResponseStreamEvent): Deltas {
    if (this.#bringsContent(event)) this.#hidden.advanced = true
    switch (event.type) {
      case "response.output_text.delta":
        return this.#append(this.#text(event, { type: "output_text" }), event.delta)
      case "response.refusal.delta":
        return this.#append(this.#text(event, { type: "refusal" }), event.delta)
      case "response.reasoning_summary_part.added":
        return this.#separate(this.#part(event, "thinking"))
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return this.#append(this.#part(event, "thinking"), event.delta)
      case "response.function_call_arguments.delta":
        return this.#extend(this.#part(event, "toolCall"), event.delta)
      case "response.output_item.added":
        this.#keep(event, event.item as unknown as JsonObject)
        return nothing
      case "response.output_item.done":
        return this.#finish(event, event.item as unknown as JsonObject)
      case "response.created":
        this.#begin(event.response)
        return nothing
      case "response.completed":
      case "response.incomplete":
        return this.#close(event.response)
      case "response.failed":
        this.#response = event.response
        throw new ServiceError(event.response.error)
      case "error":
        // The documentation defines the event as the error, but it is sent with the error inside.
        throw new ServiceError("error" in event ? event.error : event)
      default:
        // The completed item contains all of its events.
        return nothing
    }
  }

  #begin(response: OpenAI.Responses.Response): void {
    if (this.#items.size > 0 || (this.#response !== null && this.#response.id !== response.id))
      throw new BrokenStreamError("A second response starts within the first.")
    this.#response = response
  }

  #keep(at: Place, item: JsonObject): void {
    this.#items.set(at.output_index, item)
    const type = findPartType(item)
    if (type !== null) this.#part(at, type)
  }

  /** Shows content for which there were no deltas. */
  #finish(at: Place, item: JsonObject): readonly ModelDelta[] {
    this.#keep(at, item)
    switch (item.type) {
      case "message":
        return listObjects(item.content).flatMap((content, content_index) => {
          const shown = String(content.text ?? content.refusal ?? "")
          if (shown === "") return nothing
          const state = this.#text({ ...at, content_index }, content)
          state.content = content
          return this.#append(state, findRest(shown, state))
        })
      case "reasoning": {
        const state = this.#part(at, "thinking")
        return this.#append(state, findRest(readReasoning(item), state))
      }
      case "function_call": {
        const call = this.#part(at, "toolCall")
        // A server that omits them has sent them in pieces.
        call.text = String(item.arguments || call.text)
        return nothing
      }
      default:
        return nothing
    }
  }

  #close(response: OpenAI.Responses.Response): readonly ModelDelta[] {
    this.#response = response
    this.#complete = true
    if (this.#items.size > 0) return nothing
    // A server that does not stream items has them here.
    const items = (response.output ?? []) as unknown as readonly JsonObject[]
    return items.flatMap((item, output_index) => this.#finish({ output_index }, item))
  }

  #append(state: PartState, text: string): readonly ModelDelta[] {
    if (text === "") return nothing
    state.text += text
    return [{ type: state.type === "text" ? "textDelta" : "thinkingDelta", part: state.part, text }]
  }

  /** Adds a piece of a call's arguments. A server that omits the start of the call does not send its name. */
  #extend(call: PartState, text: string): Deltas {
    call.text += text
    this.#hidden.bytes += Buffer.byteLength(text)
    const name = this.#items.get(call.itemIndex)?.name
    if (text === "" || typeof name !== "string") return nothing
    return [{ type: "toolInputDelta", part: call.part, name: callName(name), text }]
  }

  /** Starts a paragraph, unless the text is empty or has just started one. */
  #separate(state: PartState): readonly ModelDelta[] {
    return state.text === "" || state.text.endsWith("\n\n") ? nothing : this.#append(state, "\n\n")
  }

  /**
   * Returns true if the event is progress that no text delta shows, such as input of a call or the search of a
   * built-in tool. Services may repeat everything else to keep the connection open: a state, an item or a part
   * without content.
   */
  #bringsContent(event: OpenAI.Responses.ResponseStreamEvent): boolean {
    if (!event.type.startsWith("response.")) return false
    if ("delta" in event) return event.delta !== ""
    if (!("output_index" in event)) return false
    const item = "item" in event ? event.item : this.#items.get(event.output_index)
    if (item?.type === "message" || (item?.type === "reasoning" && !item.encrypted_content)) return false
    // Compatible servers may omit the start of an item.
    if (item === undefined && !event.type.includes("_call")) return false
    const report = `${event.type} ${item === undefined ? "" : event.output_index}`
    if (this.#reported.has(report)) return false
    this.#reported.add(report)
    return true
  }

  #text({ output_index, content_index }: Place & { content_index: number }, content: JsonObject): PartState {
    return this.#state(`${output_index}.${content_index}`, { type: "text", itemIndex: output_index, content })
  }

  #part({ output_index }: Place, type: PartState["type"]): PartState {
    return this.#state(String(output_index), { type, itemIndex: output_index, content: {} })
  }

  #state(key: string, begin: Pick<PartState, "type" | "itemIndex" | "content">): PartState {
    const known = this.#parts.get(key)
    if (known !== undefined) return known
    const state = { ...begin, part: this.#parts.size, text: "" }
    this.#parts.set(key, state)
    return state
  }
}

interface Place {
  readonly output_index: number
}

/** Returns the rest of a text after the shown part. If the whole text differs from the shown part, adds nothing. */
function findRest(whole: string, { text }: PartState): string {
  return whole.startsWith(text) ? whole.slice(text.length) : ""
}

/** Returns the summary, or otherwise the reasoning itself, which only open models show. */
function readReasoning({ summary, content }: JsonObject): string {
  const texts = listObjects(summary).length > 0 ? listObjects(summary) : listObjects(content)
  return texts.map(({ text }) => String(text ?? "")).join("\n\n")
}

function listObjects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
