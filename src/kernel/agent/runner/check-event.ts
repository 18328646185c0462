import { isJsonObject } from "../../../core/json/json.ts"
import type { RunnerEvent } from "../../../core/runs/runner.ts"

/** Throws unless the value is an event. Code without types may yield anything, and the log could not be read again. */
export function checkEvent(event: RunnerEvent): void {
  const problem = findProblem(event)
  if (problem !== null) throw new Error(`The runner yielded an event that ${problem}. The run has failed.`)
}

/** Returns the end of a sentence about the event. Null if the event is valid. */
function findProblem(event: unknown): string | null {
  if (!isJsonObject(event)) return "is not an object"
  switch (event.type) {
    case "text":
    case "thinking":
      return typeof event.text === "string" ? null : `has the type ${event.type} and no text`
    case "toolCall":
      return findProblemOfCall(event)
    case "toolResult":
      if (!isId(event.id)) return "has the type toolResult and no id"
      return isResult(event.result) ? null : "has the type toolResult and no valid result"
    case "usage":
      if (!areTextsOrMissing([event.model, event.priceList]))
        return "has a model or priceList that is not a text"
      return isUsage(event.usage) ? null : "has the type usage and no four counts of tokens"
    case "state":
      return null
    default:
      return `has the unknown type ${JSON.stringify(event.type)}`
  }
}

type Fields = Readonly<Record<string, unknown>>

function findProblemOfCall({ id, name, input, approval = {} }: Fields): string | null {
  if (!isId(id) || !isId(name)) return "has the type toolCall and no id or name"
  if (!isJsonObject(input)) return "has the type toolCall and an input that is not an object"
  if (!isJsonObject(approval)) return "has an approval that is not an object"
  const { reason, qualifier, inputSchema } = approval
  if (!areTextsOrMissing([reason, qualifier])) return "has a reason or qualifier that is not a text"
  const hasSchema = inputSchema === undefined || isJsonObject(inputSchema)
  return hasSchema ? null : "has an inputSchema that is not an object"
}

function isResult(result: unknown): boolean {
  if (!isJsonObject(result)) return false
  switch (result.type) {
    case "json":
      return result.value !== undefined
    case "content":
      return Array.isArray(result.content) && result.content.every(isContentPart)
    case "error":
      return isId(result.code) && typeof result.message === "string"
    default:
      return false
  }
}

function isContentPart(part: unknown): boolean {
  if (!isJsonObject(part)) return false
  return part.type === "text" ? typeof part.text === "string" : isJsonObject(part.source)
}

function isUsage(usage: unknown): boolean {
  if (!isJsonObject(usage)) return false
  const {
    inputTokens,
    outputTokens,
    cacheCreationInputTokens,
    cacheReadInputTokens,
    reasoningTokens = 0,
  } = usage
  return [inputTokens, outputTokens, cacheCreationInputTokens, cacheReadInputTokens, reasoningTokens].every(
    (count) => typeof count === "number" && count >= 0 && count <= Number.MAX_SAFE_INTEGER,
  )
}

function isId(value: unknown): boolean {
  return typeof value === "string" && value !== ""
}

function areTextsOrMissing(values: readonly unknown[]): boolean {
  return values.every((value) => value === undefined || typeof value === "string")
}
