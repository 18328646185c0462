import type { JsonObject } from "../json/json.ts"
import type { ToolResult } from "../ports/tools/tool.ts"

/**
 * Data that only one provider understands (call ids, thinking signatures, encrypted reasoning). It is kept unchanged
 * and sent back to that provider. Other providers ignore it.
 */
export interface VendorData {
  readonly provider: string
  readonly data: JsonObject
}

export interface TextPart {
  readonly type: "text"
  readonly text: string
  readonly vendor?: VendorData
}

export interface ImagePart {
  readonly type: "image"
  readonly source:
    | { readonly type: "base64"; readonly mediaType: string; readonly data: string }
    | { readonly type: "url"; readonly url: string }
}

export interface ThinkingPart {
  readonly type: "thinking"
  readonly text: string
  readonly vendor?: VendorData
}

/** A call that the model requested, as its provider reports it. It does not have an id of the gateway yet. */
export interface ModelToolCall {
  readonly type: "toolCall"
  readonly name: string
  /** `{}` if the model's JSON could not be parsed; then `malformedInput` holds its text. */
  readonly input: JsonObject
  readonly malformedInput?: string
  readonly vendor?: VendorData
}

/** A model's tool call with the gateway's own id, under which it is logged, answered and shown. */
export interface ToolCallPart extends ModelToolCall {
  readonly toolCallId: string
}

/** A part that only its provider understands, at its place in the message. */
export interface OpaquePart {
  readonly type: "opaque"
  readonly vendor: VendorData
}

export type ContentPart = TextPart | ImagePart
export type ModelPart = TextPart | ThinkingPart | ModelToolCall | OpaquePart
export type AssistantPart = TextPart | ThinkingPart | ToolCallPart | OpaquePart

export interface UserMessage {
  readonly role: "user"
  readonly content: readonly ContentPart[]
}

/** Allowed only if the application lets clients send system messages. */
export interface SystemMessage {
  readonly role: "system"
  readonly content: readonly TextPart[]
}

export interface AssistantMessage {
  readonly role: "assistant"
  readonly content: readonly AssistantPart[]
}

/** The results of one assistant message's calls, in the order of the calls. */
export interface ToolMessage {
  readonly role: "tool"
  readonly results: readonly { readonly toolCallId: string; readonly result: ToolResult }[]
}

export type Message = UserMessage | SystemMessage | AssistantMessage | ToolMessage

/** Returns the texts of the parts as one string. */
export function joinTexts(parts: readonly { readonly type: string; readonly text?: string }[]): string {
  return parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("")
}
