import { isJsonObject } from "../../../core/json/json.ts"
import type { Decider } from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import { createInvalidBody, type FieldError, type Problem } from "../../../http/problem.ts"
import { toFieldErrors } from "../../../http/request/field-errors.ts"
import type { GivenAnswer } from "../../../kernel/sessions/sessions.ts"
import { wireName } from "../fold/segment.ts"
import { decisionSchema, type ResumeEntry } from "../schemas/run-agent-input.ts"
import type { RunRequest } from "./read-input.ts"

export interface AnswerFacts {
  /** The client's id of the run that the answers start. */
  readonly runId: string
  readonly decidedBy: Decider
}

/** Returns the answers of a request to open waits. Answers to other waits are left out, because they came before. */
export function toAnswers(
  { resume, results }: Pick<RunRequest, "resume" | "results">,
  waits: readonly Wait[],
  { runId, decidedBy }: AnswerFacts,
): readonly GivenAnswer[] {
  return waits.flatMap((wait): GivenAnswer[] => {
    const { sessionId, toolCallId, nonce, waitId } = wait
    const facts = { sessionId, toolCallId, nonce, decidedBy, segment: { wire: wireName, id: runId } }
    if (wait.kind === "clientTool") {
      const result = results.get(toolCallId)
      return result === undefined ? [] : [{ kind: "clientTool", ...facts, result }]
    }
    const entry = resume.get(waitId)
    if (entry === undefined) return []
    if (wait.kind === "approval") return [{ kind: "approval", ...facts, ...readDecision(entry) }]
    if (wait.kind !== "elicitation") return []
    return [{ kind: "elicitation", ...facts, ...readResponse(entry, wait.payload.question.mode === "form") }]
  })
}

function readDecision({ status, payload, interruptId }: ResumeEntry) {
  if (status === "cancelled") return { approved: false, reason: "The user canceled the question." }
  const given = typeof payload === "boolean" ? { approved: payload } : payload
  const { data, error } = decisionSchema.safeParse(given)
  if (error !== undefined) throw createInvalidPayload(interruptId, toFieldErrors(error))
  const { approved, editedArgs, reason, remember } = data
  return {
    approved,
    ...(approved && editedArgs != null && { editedInput: editedArgs }),
    ...(reason != null && reason !== "" && { reason }),
    ...(approved && remember != null && { allowToolType: true, scope: remember }),
  } as const
}

function readResponse({ status, payload, interruptId }: ResumeEntry, isForm: boolean) {
  if (status === "cancelled") return { action: "cancel" } as const
  if (!isForm) return { action: "accept" } as const
  if (isJsonObject(payload)) return { action: "accept", content: payload } as const
  const message = "Expected an object that matches the responseSchema of the interrupt."
  throw createInvalidPayload(interruptId, [{ path: "", message }])
}

function createInvalidPayload(interruptId: string, errors: readonly FieldError[]): Problem {
  const parent = `resume.${interruptId}.payload`
  return createInvalidBody(
    errors.map(({ path, message }) => ({ path: path === "" ? parent : `${parent}.${path}`, message })),
  )
}
