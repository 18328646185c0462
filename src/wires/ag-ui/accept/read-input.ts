import type { JsonObject } from "../../../core/json/json.ts"
import type { ToolSpecification } from "../../../core/ports/model/provider.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { createInvalidBody } from "../../../http/problem.ts"
import type { InputPart, ResumeEntry, RunAgentInput } from "../schemas/run-agent-input.ts"

/** The parts of a request that the gateway honors. */
export interface RunRequest {
  /** The user's message. Empty if the request has none. */
  readonly parts: readonly UserPart[]
  /** The client's id of the user's message. Null if the request has none. */
  readonly messageId: string | null
  /** Results of the client's tools, by call. */
  readonly results: ReadonlyMap<string, ToolResult>
  /** The client's ids of the messages that have results of tools, by call. */
  readonly resultIds: ReadonlyMap<string, string>
  /** Answers to interrupts, by their ids. */
  readonly resume: ReadonlyMap<string, ResumeEntry>
  readonly clientTools: readonly ToolSpecification[]
  /** Null if the client has none. */
  readonly instructions: string | null
  readonly context: JsonObject
}

export type UserPart =
  | { readonly type: "text"; readonly text: string }
  /** `url` is a data URL or an address. */
  | { readonly type: "image"; readonly url: string; readonly path: string }

/**
 * Reads a request. The session's log wins over the client's messages, so only the user's messages after the last one of
 * the assistant or a tool are new.
 */
export function readInput(input: RunAgentInput): RunRequest {
  const { messages, resume, tools, forwardedProps } = input
  const known = messages.findLastIndex(({ role }) => role === "assistant" || role === "tool")
  const parts = messages.flatMap(({ role, content }, index) => {
    return index > known && role === "user" ? readParts(content ?? [], `messages.${index}.content`) : []
  })
  return {
    parts,
    // Several messages are one message of the log.
    messageId: messages.slice(known + 1).findLast(({ role }) => role === "user")?.id ?? null,
    resultIds: new Map(messages.flatMap((message) => readResultId(message) ?? [])),
    results: new Map(messages.flatMap((message) => readResult(message) ?? [])),
    resume: new Map((resume ?? []).map((entry) => [entry.interruptId, entry])),
    clientTools: tools.map(({ name, description, input_schema: inputSchema }) => {
      return { name, description, inputSchema }
    }),
    instructions: readInstructions(input),
    context: forwardedProps ?? {},
  }
}

function readParts(content: string | readonly InputPart[], path: string): readonly UserPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }]
  return content.map((part, index) => readPart(part, `${path}.${index}`))
}

function readPart({ type, text, source, mimeType, url, data }: InputPart, path: string): UserPart {
  if (type === "text" && typeof text === "string") return { type, text }
  if (type === "image" && source != null) {
    const { value, mimeType: kind } = source
    return { type, url: source.type === "url" ? value : toDataUrl(kind, value), path }
  }
  const isImage = type === "binary" && mimeType?.startsWith("image/") === true
  if (isImage && typeof url === "string") return { type: "image", url, path }
  if (isImage && typeof data === "string") return { type: "image", url: toDataUrl(mimeType, data), path }
  throw createInvalidBody([{ path, message: "Expected a text, or an image with a source." }])
}

function toDataUrl(mimeType: string | null | undefined, data: string): string {
  return `data:${mimeType ?? ""};base64,${data}`
}

function readResult({
  role,
  toolCallId,
  content,
  error,
}: RunAgentInput["messages"][number]): readonly [readonly [string, ToolResult]] | null {
  if (role !== "tool" || typeof toolCallId !== "string") return null
  const isError = typeof error === "string" && error !== ""
  const text = isError ? error : joinText(content ?? "")
  return [[toolCallId, { type: "content", content: [{ type: "text", text }], ...(isError && { isError }) }]]
}

function readResultId({
  id,
  role,
  toolCallId,
}: RunAgentInput["messages"][number]): readonly [readonly [string, string]] | null {
  return role === "tool" && id != null && toolCallId != null ? [[toolCallId, id]] : null
}

function joinText(content: string | readonly InputPart[]): string {
  return typeof content === "string"
    ? content
    : content.map(({ type, text }) => text ?? `[${type}]`).join("\n")
}

/** Returns what the client tells the model: its system messages, and the context of its page. */
function readInstructions({ messages, context }: RunAgentInput): string | null {
  const told = messages.flatMap(({ role, content }) => {
    return role === "system" || role === "developer" ? [joinText(content ?? "")] : []
  })
  const facts = (context ?? []).map(({ description, value }) => `${description}: ${value}`)
  const all = [...told, ...facts].filter((each) => each !== "")
  return all.length === 0 ? null : all.join("\n\n")
}
