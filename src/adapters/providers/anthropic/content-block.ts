import type { Anthropic } from "@anthropic-ai/sdk"
import type { ModelPart, VendorData } from "../../../core/history/messages.ts"
import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"
import type { ModelDelta, ModelInputDelta } from "../../../core/ports/model/provider.ts"
import { callName } from "../tool-calls/call-name.ts"

/** A content block that is built from its deltas. */
export interface Block {
  readonly part: number
  readonly fields: Record<string, Json>
  /** The joined pieces of `input`. Empty if there were none. */
  inputJson: string
}

export function beginBlock(
  part: number,
  content: Anthropic.RawContentBlockStartEvent["content_block"],
): Block {
  return { part, fields: { ...content } as unknown as Record<string, Json>, inputJson: "" }
}

/**
 * Returns the text in a block's start. It is empty from Anthropic itself, but some compatible servers put the first
 * piece there.
 */
export function createFirstDelta(
  block: Block,
  content: Anthropic.RawContentBlockStartEvent["content_block"],
): ModelDelta | null {
  if (content.type === "text") return createTextDelta("textDelta", block, content.text)
  if (content.type === "thinking") return createTextDelta("thinkingDelta", block, content.thinking)
  return null
}

/** Applies a delta to the block. Returns the delta to show, if there is one. */
export function applyDelta(
  block: Block,
  delta: Anthropic.RawContentBlockDelta,
): ModelDelta | ModelInputDelta | null {
  const { fields } = block
  switch (delta.type) {
    case "text_delta":
      fields.text = `${fields.text ?? ""}${delta.text}`
      return createTextDelta("textDelta", block, delta.text)
    case "thinking_delta":
      fields.thinking = `${fields.thinking ?? ""}${delta.thinking}`
      return createTextDelta("thinkingDelta", block, delta.thinking)
    case "input_json_delta":
      block.inputJson += delta.partial_json
      return fields.type === "tool_use" ? createInputDelta(block, delta.partial_json) : null
    case "citations_delta": {
      const citations = Array.isArray(fields.citations) ? fields.citations : []
      fields.citations = [...citations, delta.citation as unknown as JsonObject]
      return null
    }
    default: {
      // For a signature, a compaction's summary, and future additions of the API, each field replaces the block's.
      const { type: _, ...rest } = delta as unknown as JsonObject
      Object.assign(fields, rest)
      return null
    }
  }
}

/** Returns a delta of a call's input. Null for a call that the provider itself executes. */
function createInputDelta({ part, fields }: Block, text: string): ModelInputDelta | null {
  return text === ""
    ? null
    : { type: "toolInputDelta", part, name: callName(String(fields.name ?? "")), text }
}

function createTextDelta(type: ModelDelta["type"], { part }: Block, text: string): ModelDelta | null {
  return text === "" ? null : { type, part, text }
}

export function toPart({ fields, inputJson }: Block): ModelPart {
  switch (fields.type) {
    case "text": {
      const { type: _, text, ...rest } = fields
      return { type: "text", text: String(text ?? ""), ...selectVendorData(rest) }
    }
    case "thinking": {
      const { type: _, thinking, ...rest } = fields
      return { type: "thinking", text: String(thinking ?? ""), ...selectVendorData(rest) }
    }
    case "tool_use": {
      const { type: _, name, input, ...rest } = fields
      return {
        type: "toolCall",
        name: callName(String(name ?? "")),
        ...toInput(inputJson, input),
        ...selectVendorData(rest),
      }
    }
    default: {
      const input = inputJson === "" ? {} : { input: toInput(inputJson, fields.input).input }
      return { type: "opaque", vendor: { provider: "anthropic", data: { ...fields, ...input } } }
    }
  }
}

/** Returns fields that the gateway's own types do not have: ids, signatures, citations. */
function selectVendorData(fields: Record<string, Json>): { readonly vendor?: VendorData } {
  const data = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
  return Object.keys(data).length === 0 ? {} : { vendor: { provider: "anthropic", data } }
}

function toInput(
  json: string,
  initial: Json | undefined,
): { readonly input: JsonObject; readonly malformedInput?: string } {
  if (json.trim() === "") return { input: isJsonObject(initial) ? initial : {} }
  try {
    const input: unknown = JSON.parse(json)
    if (isJsonObject(input)) return { input }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return { input: {}, malformedInput: json }
}
