import { isJsonObject, type JsonObject, nestsTooDeep } from "../../core/json/json.ts"
import type { Tool } from "../../core/ports/tool.ts"
import type { Question, QuestionAnswer } from "../../core/question.ts"
import { originOf } from "../../core/tool-origin.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "../tools/call-state.ts"
import { openWait } from "./open-wait.ts"
import { refuseIfTooMany, WaitRefused } from "./refused-wait.ts"
import { arrivalUntil, closeQuestion, isWaitOver, takeAnswer } from "./take-answer.ts"

/** Characters of one question as JSON, together with what the tool receives back. */
const maxQuestionCharacters = 1_000_000

/** The questions that one execution of a call asks the user while it runs. */
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
      over.abort(new Error("The call has ended, so the question was withdrawn."))
      await last
      await closeQuestion(context, call)
    },
  }
}

/** Opens the question's wait. Throws a `WaitRefused` for one that cannot be put. */
export async function askUser(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { question, continuation }: { readonly question: Question; readonly continuation: JsonObject | null },
): Promise<void> {
  refuseIfTooMany(call, "elicitation")
  const problem = problemOf(question, continuation)
  if (problem !== null) throw new WaitRefused("invalid_question", `The tool's question ${problem}.`)
  const origin = originOf(tool, call.input)
  await openWait(context, {
    toolCallId: call.requested.toolCallId,
    toolName: tool.name,
    origin,
    asks: { kind: "elicitation", payload: { question, server: origin?.server ?? null } },
    answerSchema: question.mode === "form" ? question.schema : null,
    expiresAt: context.clock.now() + context.runtime.approvalTimeoutSeconds * 1_000,
    ...(continuation !== null && { continuation }),
  })
}

async function answerOf(
  context: ModelRunContext,
  call: CallState,
  signal: AbortSignal,
): Promise<QuestionAnswer> {
  for (;;) {
    if (call.resolved?.kind === "elicitation") return { ...call.resolved.resolution }
    signal.throwIfAborted()
    // Looked at and waited for in one go, so that no arrival is missed in between.
    if (isWaitOver(context, call)) await takeAnswer(context, call)
    else await arrivalUntil(context, call.wait?.expiresAt ?? Number.POSITIVE_INFINITY, signal)
  }
}

/** A question may come from a server or from untyped code, and is shown by clients that trust the gateway. */
function problemOf(question: unknown, continuation: JsonObject | null): string | null {
  if (!isJsonObject(question) || typeof question.message !== "string") return "has no message"
  if (question.mode === "form") {
    if (!isJsonObject(question.schema) || question.schema.type !== "object") return "has no object schema"
  } else if (question.mode !== "url") return "is neither a form nor a page"
  else if (!isWebAddress(question.url)) return "has no http or https URL"
  if (continuation !== null && !isJsonObject(continuation)) return "has a continuation that is not an object"
  if (nestsTooDeep([question, continuation])) return "nests too deep"
  const size = JSON.stringify([question, continuation]).length
  return size > maxQuestionCharacters ? `is larger than ${maxQuestionCharacters} characters` : null
}

function isWebAddress(url: unknown): boolean {
  return typeof url === "string" && /^https?:$/.test(URL.parse(url)?.protocol ?? "")
}
