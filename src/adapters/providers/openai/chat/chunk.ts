import { isJsonObject, type Json, type JsonObject } from "../../../../core/json/json.ts"
import { ServiceError } from "../service-error.ts"

/** The content of one chunk, in any dialect. */
export interface ChatChunk {
  readonly model: string | null
  readonly text: string
  /** A refusal in place of a response. */
  readonly refusal: string
  readonly reasoning: string
  /** OpenRouter's record of the reasoning, with signatures. */
  readonly reasoningDetails: readonly JsonObject[]
  readonly toolCalls: readonly ToolCallDelta[]
  readonly finishReason: string | null
  readonly usage: JsonObject | null
}

/** A piece of a call. Any field may be missing, in the first piece as well as in later ones. */
export interface ToolCallDelta {
  readonly index: number | null
  readonly id: string | null
  readonly name: string | null
  readonly arguments: string
  /** Fields that neither OpenAI nor the gateway defines, such as Google's signatures. */
  readonly extra: JsonObject
}

/**
 * Reads a chunk (https://platform.openai.com/docs/api-reference/chat-streaming) as tolerantly as possible: values
 * that are missing, null or of an unknown type count as empty. Throws for a chunk that reports an error, and for a
 * text that is not a JSON object.
 */
export function readChunk(data: string): ChatChunk {
  const chunk: unknown = JSON.parse(data)
  if (!isJsonObject(chunk)) throw new Error("A chunk of the response is not a JSON object.")
  if (chunk.object === "error" || chunk.error) throw new ServiceError(chunk.error || chunk)
  const choice = listObjects(chunk.choices).find(({ index }) => (index ?? 0) === 0) ?? {}
  const delta = isJsonObject(choice.delta) ? choice.delta : {}
  return {
    model: readNonEmpty(chunk.model),
    text: readContentText(delta.content),
    refusal: readText(delta.refusal),
    // Servers that are changing the name send both fields.
    reasoning:
      readText(delta.reasoning_content) || readText(delta.reasoning) || readContentThinking(delta.content),
    reasoningDetails: listObjects(delta.reasoning_details),
    toolCalls: listObjects(delta.tool_calls).map(parseToolCallDelta),
    finishReason: readNonEmpty(choice.finish_reason),
    usage: [chunk.usage, choice.usage].find(isJsonObject) ?? null,
  }
}

function parseToolCallDelta({ index, id, type: _, function: called, ...extra }: JsonObject): ToolCallDelta {
  const { name, arguments: input } = isJsonObject(called) ? called : {}
  return {
    index: typeof index === "number" ? index : null,
    id: readNonEmpty(id),
    name: readNonEmpty(name),
    arguments: isJsonObject(input) ? JSON.stringify(input) : readText(input),
    extra,
  }
}

/** Returns a content's text, which is a string, or Mistral's pieces. */
function readContentText(content: Json | undefined): string {
  if (typeof content === "string") return content
  const pieces = listObjects(content).filter(({ type }) => type === "text")
  return pieces.map((piece) => readText(piece.text)).join("")
}

function readContentThinking(content: Json | undefined): string {
  const pieces = listObjects(content).filter(({ type }) => type === "thinking")
  return pieces.map(({ thinking }) => readContentText(thinking)).join("")
}

function readText(value: Json | undefined): string {
  return typeof value === "string" ? value : ""
}

function readNonEmpty(value: Json | undefined): string | null {
  return readText(value) === "" ? null : readText(value)
}

function listObjects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
