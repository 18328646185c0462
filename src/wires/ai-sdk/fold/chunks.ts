import type { UIMessageChunk } from "ai"
import type { AppData, RunCompleted, TerminalEvent } from "../../../core/log/entries.ts"
import { roundDollars } from "../../../core/wire/usage.ts"
import type { Frame } from "../../../http/streams/wire.ts"

export const nothing: readonly Frame[] = []

export function createChunk(chunk: UIMessageChunk): Frame {
  return JSON.stringify(chunk)
}

/** Shows a call and the first piece of its input. */
export function createInput(toolCallId: string, toolName: string, text: string): readonly Frame[] {
  const start = createChunk({ type: "tool-input-start", toolCallId, toolName, dynamic: true })
  return [start, createInputDelta(toolCallId, text)]
}

export function createInputDelta(toolCallId: string, inputTextDelta: string): Frame {
  return createChunk({ type: "tool-input-delta", toolCallId, inputTextDelta })
}

/** Creates a notice that is shown to current subscribers, and is not part of the message. */
export function createNotice(name: string, data: object): Frame {
  return createChunk({ type: `data-gateway-${name}`, data, transient: true })
}

/** Creates a part of the message. A later one with the same id replaces it. */
export function createPart(name: string, id: string, data: object): Frame {
  return createChunk({ type: `data-gateway-${name}`, id, data })
}

/** Returns the chunk of an application event. Two names are those of parts that the protocol has itself. */
export function createDataChunk({ name, value }: AppData, sourceId: string): Frame {
  const { url, title, mediaType, filename } = readTexts(value)
  const more = { ...(filename !== undefined && { filename }) }
  if (name === "source-url" && url !== undefined)
    return createChunk({ type: name, sourceId, url, ...(title !== undefined && { title }) })
  if (name === "source-document" && mediaType !== undefined && title !== undefined)
    return createChunk({ type: name, sourceId, mediaType, title, ...more })
  return createChunk({ type: `data-${name}`, data: value })
}

/** Returns the members of the value that are texts. */
function readTexts(value: unknown): Readonly<Record<string, string | undefined>> {
  if (typeof value !== "object" || value === null) return {}
  return Object.fromEntries(Object.entries(value).filter(([, member]) => typeof member === "string"))
}

/** Returns the metadata that the message of an ended run has. */
export function createEndMetadata(runId: string, { usage, cost }: TerminalEvent): object {
  const { inputTokens: uncached, outputTokens, cacheReadInputTokens, cacheCreationInputTokens } = usage
  const inputTokens = uncached + cacheReadInputTokens + cacheCreationInputTokens
  return {
    runId,
    usage: {
      inputTokens,
      outputTokens,
      totalTokens: inputTokens + outputTokens,
      cachedInputTokens: cacheReadInputTokens,
    },
    cost: cost === null ? null : roundDollars(cost),
  }
}

/** `interrupted` stops clients that send automatically. */
export function toFinishReason({ disposition, reason }: RunCompleted): "stop" | "length" | "interrupted" {
  if (disposition === "completed") return "stop"
  return reason === "max_tokens" ? "length" : "interrupted"
}
