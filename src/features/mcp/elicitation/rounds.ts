import type {
  ElicitResult,
  InputRequiredResult,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/client"
import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"
import type { Answered, ReturnedWait, ToolResult } from "../../../core/ports/tools/tool.ts"
import { isTooDeep } from "../nesting.ts"
import { declined, toElicitResult, toQuestion } from "./question.ts"

/** The answers with which a call is sent again. */
export interface InputReply {
  readonly inputResponses?: Record<string, ElicitResult>
  /** The state that the server sent, unchanged. */
  readonly requestState?: string
}

/** The next step of a call that has no result yet. */
export type Step = { readonly type: "send"; readonly reply: InputReply } | ReturnedWait | ToolResult

/**
 * The data with which any process can continue the call over any connection. Lists keep the order of their items,
 * which objects may not.
 */
type Continuation = {
  readonly requestState: string | null
  /** The pending questions. The first one is asked. */
  readonly pending: readonly { readonly key: string; readonly params: Json }[]
  readonly given: readonly { readonly key: string; readonly result: JsonObject }[]
}

/** For calls that were refused until a page is visited, and are then sent again unchanged. */
const retry = { retry: true }

/**
 * Returns the first question of a server that responds to a call with questions. They are asked one after the other.
 */
export function askFor({ inputRequests = {}, requestState }: InputRequiredResult): Step {
  if (isTooDeep(inputRequests)) return createFailure("The server's question nests too deeply.")
  const pending: { key: string; params: Json }[] = []
  // The SDK does not check these values.
  for (const [key, request] of Object.entries<unknown>(inputRequests)) {
    const { method, params } = isJsonObject(request) ? request : {}
    if (method !== "elicitation/create")
      return createFailure(`The server asked for ${method}, which is not offered.`)
    pending.push({ key, params: params ?? null })
  }
  return createNextStep({ requestState: requestState ?? null, pending, given: [] })
}

/** Returns the question of a server that refused the call until a page is visited: error -32042 of 2025-11-25. */
export function askToVisit({ elicitations }: UrlElicitationRequiredError): Step {
  // The SDK does not check these values. Further ones come with the next refusal.
  const first: unknown = elicitations[0]
  const question = toQuestion(isJsonObject(first) ? { ...first, mode: "url" } : null)
  if (question === null) return createFailure("The server requires a visit to a page that must not be shown.")
  return { type: "wait", kind: "elicitation", question, continuation: retry }
}

/** Continues a call after the user has answered the question of `askFor` or `askToVisit`. */
export function goOn(answered: Answered): Step {
  if (answered.kind !== "elicitation")
    return createFailure("The call continued after a wait that it did not open.")
  const { continuation, action, content } = answered
  const answer = { action, content }
  if (continuation.retry === true) {
    if (answer.action === "accept") return { type: "send", reply: {} }
    return createFailure(
      `The server requires a visit to a page first, and the user's answer was ${answer.action}.`,
    )
  }
  // `createNextStep` created this value.
  const { requestState, pending, given } = continuation as Continuation
  const [asked, ...later] = pending
  if (asked === undefined) return createNextStep({ requestState, pending, given })
  const result = toElicitResult(answer) as JsonObject
  return createNextStep({ requestState, pending: later, given: [...given, { key: asked.key, result }] })
}

function createNextStep({ requestState, pending, given }: Continuation): Step {
  const answers = [...given]
  for (const [index, { key, params }] of pending.entries()) {
    const question = toQuestion(params)
    if (question !== null) {
      const continuation = { requestState, pending: pending.slice(index), given: answers }
      return { type: "wait", kind: "elicitation", question, continuation }
    }
    answers.push({ key, result: declined as JsonObject })
  }
  const inputResponses = Object.fromEntries(answers.map(({ key, result }) => [key, result as ElicitResult]))
  const reply = {
    ...(answers.length > 0 && { inputResponses }),
    ...(requestState !== null && { requestState }),
  }
  return { type: "send", reply }
}

function createFailure(message: string): ToolResult {
  return { type: "error", code: "mcp_tool_error", message }
}
