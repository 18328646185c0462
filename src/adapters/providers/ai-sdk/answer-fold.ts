import type {
  LanguageModelV3StreamPart,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  SharedV4ProviderMetadata,
} from "@ai-sdk/provider"
import type { ModelPart } from "../../../core/history/messages.ts"
import type { ModelDelta, ModelEnd, ModelProgress } from "../../../core/ports/model/provider.ts"
import { callInput } from "../tool-calls/call-input.ts"
import { callName } from "../tool-calls/call-name.ts"
import { BrokenStreamError, StreamLimitError } from "../transport/stream-fault.ts"
import { createVendorData, keep } from "./vendor-data.ts"

export type StreamPart = LanguageModelV4StreamPart | LanguageModelV3StreamPart

type Of<Type> = Extract<StreamPart, { type: Type }>
type SentBack = Extract<LanguageModelV4Prompt[number], { role: "assistant" }>["content"][number]

interface TextInProgress {
  readonly type: "text" | "thinking"
  text: string
  metadata: SharedV4ProviderMetadata | undefined
}

const progress: ModelProgress = { type: "progress" }
/** Reports that the response grew by something that has no text to show. */
const advance: ModelProgress = { type: "progress", advanced: true }

/** The same limit as for a response whose body the gateway reads itself. */
const mostOpaqueBytes = 64 * 1024 * 1024
const mostParts = 10_000

/**
 * Folds the parts of one response's stream into deltas and its content. Ignores parts that are only for display, such
 * as sources. Throws for a stream that contradicts itself, and for more than 64 MiB without text.
 */
export class AnswerFold {
  /** The model that responds, as its provider reports it. */
  model: string | null = null
  /** Bytes of calls' arguments that arrived in pieces. */
  #hiddenBytes = 0
  #opaqueBytes = 0
  readonly #provider: string
  readonly #content: (TextInProgress | ModelPart)[] = []
  /** Indexes in the content of unfinished texts, by type and id. */
  readonly #open = new Map<string, number>()
  #responseId: string | null = null
  /** If true, the response sent its metadata again. Some models do so at its end. */
  #introducedAgain = false

  /** @param provider The provider's name, under which parts keep vendor data. */
  constructor(provider: string) {
    this.#provider = provider
  }

  apply(part: StreamPart): ModelDelta | ModelProgress {
    switch (part.type) {
      case "text-start":
      case "text-delta":
      case "text-end":
        return this.#text("text", part)
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return this.#text("thinking", part)
      case "tool-input-delta":
        this.#hiddenBytes += Buffer.byteLength(part.delta)
        return { type: "progress", hiddenBytes: this.#hiddenBytes }
      case "tool-input-start":
      case "source":
        return advance
      case "tool-call":
        this.#add(this.#toolCall(part))
        return advance
      case "tool-result":
        if (!part.preliminary) this.#add(this.#opaque(toToolResult(part)))
        return advance
      case "file":
      case "reasoning-file":
        this.#add(this.#opaque(toFile(part)))
        return advance
      case "custom":
        // It repeats the metadata and the counts, and need not be sent back.
        if (part.kind === "anthropic.message_start") return progress
        this.#add(this.#opaque({ type: "custom", kind: part.kind, ...toOptions(part) }))
        return advance
      case "response-metadata":
        this.#identify(part)
        return progress
      default:
        return progress
    }
  }

  /** If true, a valid part of a response has been read. */
  get begun(): boolean {
    return this.#responseId !== null || this.#content.length > 0
  }

  /** If true, the model requested calls that the gateway executes. */
  get called(): boolean {
    return this.#content.some((part) => part.type === "toolCall")
  }

  content(): ModelEnd["content"] {
    return this.#content.map((part) =>
      "metadata" in part
        ? { type: part.type, text: part.text, ...keep(this.#provider, { metadata: part.metadata }) }
        : part,
    )
  }

  /** Checks the id. Another id than the first one belongs to another response. */
  #identify({ id = "", modelId }: Of<"response-metadata">): void {
    if (id !== "" && this.#responseId !== null && id !== this.#responseId)
      throw new BrokenStreamError("A second response starts within the first.")
    if (id !== "") {
      this.#introducedAgain = this.#responseId !== null
      this.#responseId = id
    }
    this.model = modelId ?? this.model
  }

  #text(
    type: TextInProgress["type"],
    part: Of<`${"text" | "reasoning"}-${"start" | "delta" | "end"}`>,
  ): ModelDelta | ModelProgress {
    const key = `${type} ${part.id}`
    const isStart = part.type.endsWith("-start")
    if (isStart && this.#open.has(key) && this.#introducedAgain)
      throw new BrokenStreamError("The response starts again within itself.")
    const position = (isStart ? undefined : this.#open.get(key)) ?? this.#content.length
    const begun = this.#content[position]
    const text: TextInProgress =
      begun !== undefined && "metadata" in begun ? begun : { type, text: "", metadata: undefined }
    this.#put(position, text)
    text.metadata = part.providerMetadata ?? text.metadata
    this.#open.set(key, position)
    // Encrypted thinking arrives as metadata.
    if (!("delta" in part) || part.delta === "") return part.providerMetadata ? advance : progress
    text.text += part.delta
    return { type: `${type}Delta`, part: position, text: part.delta }
  }

  #add(part: ModelPart): void {
    this.#opaqueBytes += JSON.stringify(part).length
    if (this.#opaqueBytes > mostOpaqueBytes)
      throw new StreamLimitError(`The response has more than ${mostOpaqueBytes} bytes without text.`)
    this.#put(this.#content.length, part)
  }

  #put(position: number, part: TextInProgress | ModelPart): void {
    if (position >= mostParts) throw new StreamLimitError(`The response has more than ${mostParts} parts.`)
    this.#content[position] = part
  }

  #toolCall(part: Of<"tool-call">): ModelPart {
    const { toolCallId, toolName, providerMetadata: metadata } = part
    const call = callInput(part.input)
    if (!part.providerExecuted)
      return {
        type: "toolCall",
        name: callName(toolName),
        ...call,
        ...keep(this.#provider, { id: toolCallId, metadata }),
      }
    const own = {
      type: "tool-call",
      toolCallId,
      toolName,
      input: call.input,
      providerExecuted: true,
    } as const
    return this.#opaque({ ...own, ...toOptions(part) })
  }

  #opaque(part: SentBack): ModelPart {
    return { type: "opaque", vendor: createVendorData(this.#provider, { part }) }
  }
}

function toToolResult(part: Of<"tool-result">): SentBack {
  const { toolCallId, toolName, result: value, isError = false } = part
  const output = { type: isError ? "error-json" : "json", value } as const
  return { type: "tool-result", toolCallId, toolName, output, ...toOptions(part) }
}

function toFile(part: Of<"file" | "reasoning-file">): SentBack {
  const { type, mediaType } = part
  const data =
    typeof part.data === "string" || part.data instanceof Uint8Array
      ? ({ type: "data", data: part.data } as const)
      : part.data
  return { type, mediaType, data, ...toOptions(part) }
}

/** Returns the metadata of a part in the form in which it is sent back. */
function toOptions({ providerMetadata }: { readonly providerMetadata?: SharedV4ProviderMetadata }) {
  return providerMetadata && { providerOptions: providerMetadata }
}
