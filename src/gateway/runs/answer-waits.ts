import type { Logger } from "../../core/ports/logger.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { AnswerOutcome } from "../../core/ports/store/session-log.ts"
import type { InvalidAnswer, Sessions } from "../../kernel/sessions/sessions.ts"
import type { ApprovalAnswer } from "../gateway.ts"
import type { ElicitationAnswer } from "../operate/waits.ts"
import { checkApprovalAnswer } from "../options/check-options.ts"
import { localPrincipal, type StartedRun } from "./start-run.ts"

const decidedBy = { via: "code", ...localPrincipal, address: null } as const

/**
 * The people whom a run from code asks. If a callback is null or returns null, the wait stays open for an answer from
 * elsewhere.
 */
export interface People {
  readonly logger: Logger
  readonly approve: ((wait: Wait) => Promise<ApprovalAnswer | null>) | null
  readonly elicit: ((wait: Wait) => Promise<ElicitationAnswer | null>) | null
  /** If true, calls of client tools stay open for a client that executes them. */
  readonly hasClient: boolean
  /** Ids of the waits that people were asked about. */
  readonly asked: Set<string>
}

/**
 * Answers the waits of the run and of its sub-agents, each wait once. Throws if an answer is refused, so that the
 * caller does not wait in vain for the end of the run.
 */
export async function answerWaits(
  sessions: Sessions,
  { sessionId, runId }: StartedRun,
  people: People,
): Promise<void> {
  for (const wait of await sessions.openWaits({ sessionId })) {
    const isBelow = wait.sessionId !== sessionId
    if (wait.runId !== runId && !isBelow) continue
    if (people.asked.has(wait.waitId)) continue
    people.asked.add(wait.waitId)
    switch (wait.kind) {
      case "approval": {
        const answer = (await people.approve?.(wait)) ?? null
        if (answer !== null) await decide(sessions, wait, answer)
        break
      }
      case "clientTool": {
        if (people.hasClient) break
        const result = createNoClientResult(wait)
        requireAnswered(wait, await sessions.answer({ kind: "clientTool", result, ...answerTo(wait) }))
        break
      }
      case "elicitation": {
        const answer = (await people.elicit?.(wait)) ?? null
        if (answer !== null) await respond(sessions, wait, answer, people.logger)
        break
      }
      case "child":
      case "timer":
        // There is no person to ask.
        break
      default:
        wait satisfies never
    }
  }
}

async function decide(sessions: Sessions, wait: Wait, answer: ApprovalAnswer): Promise<void> {
  checkApprovalAnswer(answer)
  const { approved, ...given } = answer
  const decision = { kind: "approval", ...given, approved: approved === true, ...answerTo(wait) } as const
  const outcome = await sessions.answer(decision)
  if (outcome.status !== "invalid") return requireAnswered(wait, outcome)
  const reason = `The edited arguments are not valid: ${outcome.message}`
  const denial = { kind: "approval", approved: false, reason, ...answerTo(wait) } as const
  requireAnswered(wait, await sessions.answer(denial))
}

async function respond(
  sessions: Sessions,
  wait: Wait,
  answer: ElicitationAnswer,
  logger: Logger,
): Promise<void> {
  const outcome = await sessions.answer({ kind: "elicitation", ...answer, ...answerTo(wait) })
  if (outcome.status !== "invalid") return requireAnswered(wait, outcome)
  const { toolCallId, toolName } = wait
  logger.warn(
    { toolCallId, toolName, problem: outcome.message },
    "An answer does not match its form. The question is declined.",
  )
  const declined = { kind: "elicitation", action: "decline", ...answerTo(wait) } as const
  requireAnswered(wait, await sessions.answer(declined))
}

function answerTo({ sessionId, toolCallId, nonce }: Wait) {
  return { sessionId, toolCallId, nonce, decidedBy }
}

/** Throws if the wait stays open, so that the caller does not wait in vain for the end of the run. */
function requireAnswered({ toolName }: Wait, { status }: AnswerOutcome | InvalidAnswer): void {
  if (status === "accepted" || status === "answered" || status === "expired") return
  throw new Error(`The answer for a call of ${toolName} was refused: ${status}.`)
}

function createNoClientResult({ toolName }: Wait) {
  return { type: "error", code: "no_client", message: `There is no client to execute ${toolName}.` } as const
}
