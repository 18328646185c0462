import type { ElicitResult } from "@modelcontextprotocol/client"
import { isJsonObject } from "../../core/json/json.ts"
import type { Question, QuestionAnswer } from "../../core/question.ts"
import { isLoopback } from "../loopback.ts"
import { isTooDeep } from "../nesting.ts"

/** The answer that a server receives if its question reaches no user. */
export const declined: ElicitResult = { action: "decline" }

/**
 * The parameters of a server's `elicitation/create` as a question. Null for one that nobody is to be shown: what
 * cannot be understood, and links that others on the way could read or change.
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
  // Whether the values are of kinds that the protocol has is up to the form's schema, which they fit.
  return content === null ? { action } : { action, content: content as NonNullable<ElicitResult["content"]> }
}

/** By TLS, or to this very machine. */
function isSafeLink(link: string): boolean {
  const url = URL.parse(link)
  if (url?.protocol === "https:") return true
  return url?.protocol === "http:" && isLoopback(url)
}
