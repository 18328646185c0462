import type { AssistantMessage } from "../../../core/history/messages.ts"
import type { PartMark } from "../cursor.ts"

/** A part of a message that streams as a message of its own. */
export interface OpenPart extends PartMark {
  readonly id: string
  /** The start of an event with a piece of its text, up to the text. */
  readonly prefix: string
}

/** The attribution of an event to a sub-agent. */
export type Attribution = { readonly subagentRunId?: string }

/** A part as the log has it. */
export interface TextOfMessage {
  readonly type: "text" | "thinking"
  readonly index: number
  readonly text: string
}

/** Returns the place of a part. Only the first text of a message has the message's own id. */
export function markPart({ type, index }: Omit<TextOfMessage, "text">, isFirstText: boolean): PartMark {
  if (type === "thinking") return { kind: "r", index }
  return { kind: isFirstText ? "m" : "t", index }
}

/** Returns the id of a part. The first text has the id of the message itself, to which tool calls belong. */
export function createPartId(messageId: string, { kind, index }: PartMark): string {
  return kind === "m" ? messageId : `${messageId}_${index}`
}

/** Returns the id of a turn's message in a further attempt, because a repeated model call has a message of its own. */
export function createMessageId(former: string, attempt: number): string {
  return `${former.replace(/_retry\d+$/, "")}_retry${attempt}`
}

/** Returns the texts of a message in their order, without empty ones. */
export function listTexts({ content }: AssistantMessage): readonly TextOfMessage[] {
  return content.flatMap((part, index) => {
    if ((part.type !== "text" && part.type !== "thinking") || part.text === "") return []
    return [{ type: part.type, index, text: part.text }]
  })
}

/** Returns a part that starts now. */
export function openPart(
  messageId: string,
  { kind, index }: PartMark,
  { subagentRunId }: Attribution,
): OpenPart {
  const id = createPartId(messageId, { kind, index })
  const event = kind === "r" ? "REASONING_MESSAGE_CONTENT" : "TEXT_MESSAGE_CONTENT"
  const owner = subagentRunId === undefined ? "" : `"subagentRunId":${JSON.stringify(subagentRunId)},`
  return { kind, index, id, prefix: `{"type":"${event}",${owner}"messageId":${JSON.stringify(id)},"delta":` }
}

/** Returns the event with a piece of the part's text. */
export function createTextEvent({ prefix }: OpenPart, text: string): string {
  return `${prefix}${JSON.stringify(text)}}`
}

/** Returns the events that start a part. */
export function createPartStart({ kind, id: messageId }: OpenPart, owner: Attribution): readonly string[] {
  if (kind !== "r")
    return [JSON.stringify({ type: "TEXT_MESSAGE_START", ...owner, messageId, role: "assistant" })]
  return [
    JSON.stringify({ type: "REASONING_START", ...owner, messageId }),
    JSON.stringify({ type: "REASONING_MESSAGE_START", ...owner, messageId, role: "reasoning" }),
  ]
}

/** Returns the events that end a part. */
export function createPartEnd(part: OpenPart | null, owner: Attribution): readonly string[] {
  if (part === null) return []
  const { kind, id: messageId } = part
  if (kind !== "r") return [JSON.stringify({ type: "TEXT_MESSAGE_END", ...owner, messageId })]
  return [
    JSON.stringify({ type: "REASONING_MESSAGE_END", ...owner, messageId }),
    JSON.stringify({ type: "REASONING_END", ...owner, messageId }),
  ]
}
