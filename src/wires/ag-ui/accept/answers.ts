import { isJsonObject } from "../../../core/json/json.ts"
import type { Decider } from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { GrantScope } from "../../../core/wait.ts"
import { createInvalidBody } from "../../../http/problem.ts"
import type { GivenAnswer } from "../../../kernel/sessions/sessions.ts"
import { wireName } from "../fold/segment.ts"
import type { ResumeEntry } from "../schemas/run-agent-input.ts"
import type { RunRequest } from "./read-input.ts"

export interface AnswerFacts {
  readonly sessionId: string
  /** The client's id of the run that the answers start. */
  readonly runId: string
  readonly decidedBy: Decider
}

/** Returns the answers of a request to open waits. Answers to other waits are left out, because they came before. */
export function toAnswers(
  { resume, results }: Pick<RunRequest, "resume" | "results">,
  waits: readonly Wait[],
  { sessionId, runId, decidedBy }: AnswerFacts,
): readonly GivenAnswer[] {
  return waits.flatMap((wait): GivenAnswer[] => {
    const { toolCallId, nonce, waitId } = wait
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
  if (typeof payload === "boolean") return { approved: payload }
  if (!isJsonObject(payload) || typeof payload.approved !== "boolean")
    throw createInvalidPayload(interruptId, "Expected an object with `approved`, which is true or false.")
  const { approved, editedArgs, reason, remember } = payload
  const scope: GrantScope | null = remember === "session" || remember === "tree" ? remember : null
  return {
    approved,
    ...(approved && isJsonObject(editedArgs) && { editedInput: editedArgs }),
    ...(typeof reason === "string" && reason !== "" && { reason }),
    ...(approved && scope !== null && { allowToolType: true, scope }),
  } as const
}

function readResponse({ status, payload, interruptId }: ResumeEntry, isForm: boolean) {
  if (status === "cancelled") return { action: "cancel" } as const
  if (!isForm) return { action: "accept" } as const
  if (!isJsonObject(payload))
    throw createInvalidPayload(
      interruptId,
      "Expected an object that matches the responseSchema of the interrupt.",
    )
  return { action: "accept", content: payload } as const
}

function createInvalidPayload(interruptId: string, message: string) {
  return createInvalidBody([{ path: `resume.${interruptId}.payload`, message }])
}
