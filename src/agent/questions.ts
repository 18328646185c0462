import type { Event } from "../core/entries.ts"
import { isJsonObject, type JsonObject, nestsTooDeep } from "../core/json.ts"
import type { NewWait } from "../core/ports/session-log.ts"
import type { Tool } from "../core/ports/tool.ts"
import type { Question, QuestionAnswer } from "../core/question.ts"
import type { CallState } from "./call-state.ts"
import { newWait } from "./new-wait.ts"
import { type ModelRunContext, record } from "./run-context.ts"
import { arrivalUntil, closeQuestion, isWaitOver, takeAnswer } from "./take-answer.ts"

/** Of one call: a server that asks again and again is stopped by this. */
const maxQuestions = 10
/** Of one question as JSON, with what the tool wants back. */
const maxQuestionCharacters = 1_000_000

/** What one execution of a call asks the user while it runs. */
export interface Questions {
  /** One after the other, because a wait is known by its call. */
  ask(question: Question): Promise<QuestionAnswer>
  /** The execution is over, and with it what is still asked. */
  end(): Promise<void>
}

export function questionsOf(context: ModelRunContext, tool: Tool, call: CallState): Questions {
  const over = new AbortController()
  const signal = AbortSignal.any([context.signal, over.signal])
  let last: Promise<unknown> = Promise.resolve()
  return {
    ask(question) {
      const asked = last.then(async () => {
        signal.throwIfAborted()
        await askUser(context, tool, call, { question, continuation: null })
        return answerOf(context, call, signal)
      })
      // Whoever asked is told; the next question is asked all the same.
      last = asked.catch(() => undefined)
      return asked
    },
    async end() {
      over.abort(new Error("The call is over, so nobody is asked any more."))
      await last
      await closeQuestion(context, call)
    },
  }
}

/** Opens the question's wait. Throws a `QuestionRefused` for one that cannot be put. */
export async function askUser(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { question, continuation }: { readonly question: Question; readonly continuation: JsonObject | null },
): Promise<void> {
  refuseIfWrong(question, continuation, call)
  const wait = newWait(context, tool, call, { kind: "elicitation", question })
  await record(context, [requestOf(wait, { question, continuation })], { open: [wait] })
}

/** A question that cannot be put: the model is told, as of any failure of the tool. */
export class QuestionRefused extends Error {
  readonly code: string

  constructor(code: "invalid_question" | "input_rounds_exceeded", message: string) {
    super(message)
    this.code = code
  }
}

function requestOf(
  { toolCallId, toolName, origin, nonce, expiresAt }: NewWait,
  asked: { readonly question: Question; readonly continuation: JsonObject | null },
): Event {
  const of = { toolCallId, toolName, server: origin?.server ?? null }
  return { type: "elicitationRequested", ...of, ...asked, nonce, expiresAt }
}

async function answerOf(
  context: ModelRunContext,
  call: CallState,
  signal: AbortSignal,
): Promise<QuestionAnswer> {
  for (;;) {
    if (call.answer !== null) return { action: call.answer.action, content: call.answer.content }
    signal.throwIfAborted()
    // Looked at and waited for in one go, so that no arrival is missed in between.
    if (isWaitOver(context, call)) await takeAnswer(context, call)
    else await arrivalUntil(context, call.expiresAt ?? Number.POSITIVE_INFINITY, signal)
  }
}

/** It may come from a server or from untyped code, and is shown by clients that trust the gateway. */
function refuseIfWrong(question: Question, continuation: JsonObject | null, call: CallState): void {
  if (call.questions >= maxQuestions) {
    const message = `The tool asked the user more than ${maxQuestions} times.`
    throw new QuestionRefused("input_rounds_exceeded", message)
  }
  const problem = problemOf(question, continuation)
  if (problem !== null) throw new QuestionRefused("invalid_question", `The tool's question ${problem}.`)
}

function problemOf(question: unknown, continuation: unknown): string | null {
  if (!isJsonObject(question) || typeof question.message !== "string") return "has no message"
  if (question.mode === "form") {
    if (!isJsonObject(question.schema) || question.schema.type !== "object")
      return "has no schema of an object"
  } else if (question.mode !== "url") return "is neither a form nor a page"
  else if (!isWebAddress(question.url)) return "has no http or https address"
  if (continuation !== null && !isJsonObject(continuation)) return "has a continuation that is no object"
  if (nestsTooDeep([question, continuation])) return "nests too deep"
  const size = JSON.stringify([question, continuation]).length
  return size > maxQuestionCharacters ? `is larger than ${maxQuestionCharacters} characters` : null
}

function isWebAddress(url: unknown): boolean {
  return typeof url === "string" && /^https?:$/.test(URL.parse(url)?.protocol ?? "")
}
