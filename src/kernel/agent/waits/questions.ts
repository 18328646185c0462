import { isJsonObject, type JsonObject, nestsTooDeep } from "../../../core/json/json.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { Question, QuestionAnswer } from "../../../core/question.ts"
import { resolveOrigin } from "../../../core/tools/tool-origin.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "../tools/call-state.ts"
import { openWait } from "./open-wait.ts"
import { refuseIfTooMany, WaitRefused } from "./refused-wait.ts"
import { closeQuestion, isWaitOver, takeAnswer, waitForArrival } from "./take-answer.ts"

/** Maximum characters of one question with its continuation as JSON. */
const maxQuestionCharacters = 1_000_000

/** The questions to the user during one execution of a call. */
export interface Questions {
  /** Asks one question at a time, because clients identify a wait by its call. */
  ask(question: Question): Promise<QuestionAnswer>
  /** Ends the execution and its open question. */
  end(): Promise<void>
}

export function createQuestions(context: ModelRunContext, tool: Tool, call: CallState): Questions {
  const ending = new AbortController()
  const signal = AbortSignal.any([context.signal, ending.signal])
  let last: Promise<unknown> = Promise.resolve()
  return {
    ask(question) {
      const asked = last.then(async () => {
        signal.throwIfAborted()
        await askUser(context, tool, call, { question, continuation: null })
        return answerOf(context, call, signal)
      })
      // The caller receives the failure. The next question is asked nevertheless.
      last = asked.catch(() => undefined)
      return asked
    },
    async end() {
      ending.abort(new Error("The call has ended, so the question was withdrawn."))
      await last
      await closeQuestion(context, call)
    },
  }
}

/** Opens the question's wait. Throws a `WaitRefused` if the question cannot be asked. */
export async function askUser(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { question, continuation }: { readonly question: Question; readonly continuation: JsonObject | null },
): Promise<void> {
  refuseIfTooMany(call, "elicitation")
  const problem = findProblem(question, continuation)
  if (problem !== null) throw new WaitRefused("invalid_question", `The tool's question ${problem}.`)
  const origin = resolveOrigin(tool, call.input)
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
    // Both checks happen without a pause, so that no arrival is missed in between.
    if (isWaitOver(context, call)) await takeAnswer(context, call)
    else await waitForArrival(context, call.wait?.expiresAt ?? Number.POSITIVE_INFINITY, signal)
  }
}

/**
 * Returns the problem of a question, if there is one. A question may come from a server or from untyped code, and
 * clients that trust the gateway show it.
 */
function findProblem(question: unknown, continuation: JsonObject | null): string | null {
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
