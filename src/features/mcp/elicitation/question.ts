import type { ElicitResult } from "@modelcontextprotocol/client"
import { isJsonObject } from "../../../core/json/json.ts"
import type { Question, QuestionAnswer } from "../../../core/question.ts"
import { isLoopback } from "../loopback.ts"
import { isTooDeep } from "../nesting.ts"

/** The answer that a server receives if its question reaches no user. */
export const declined: ElicitResult = { action: "decline" }

/**
 * Converts the parameters of a server's `elicitation/create` into a question. Null if no user should see it: if it
 * cannot be parsed, or if its link could be read or changed on the way.
 * https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
 */
export function toQuestion(params: unknown): Question | null {
  if (!isJsonObject(params)) return null
  const { mode = "form", message, requestedSchema: schema, url, elicitationId } = params
  if (typeof message !== "string") return null
  if (mode === "url") {
    if (typeof url !== "string" || !isSafeLink(url)) return null
    return { mode, message, url, elicitationId: typeof elicitationId === "string" ? elicitationId : null }
  }
  if (mode !== "form" || !isJsonObject(schema) || schema.type !== "object" || isTooDeep(schema)) return null
  return { mode, message, schema }
}

export function toElicitResult({ action, content }: QuestionAnswer): ElicitResult {
  // The form's schema, which the values match, determines if their kinds are allowed by the protocol.
  return content === null ? { action } : { action, content: content as NonNullable<ElicitResult["content"]> }
}

/** Returns true for a link over TLS, or to this machine. */
function isSafeLink(link: string): boolean {
  const url = URL.parse(link)
  if (url?.protocol === "https:") return true
  return url?.protocol === "http:" && isLoopback(url)
}
