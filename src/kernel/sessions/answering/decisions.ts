import { mayDecide } from "../../../core/log/decider.ts"
import type { Approvals, Wait } from "../../../core/ports/store/approvals.ts"
import type { AnswerCommand, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { SchemaCheck } from "../../../core/ports/tools/schema-check.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { type AnyAnswer, type Approver, type Segment, segmentBounds } from "../../../core/wait.ts"
import type { GivenAnswer, InvalidAnswer, Sessions } from "../sessions.ts"
import { validateAnswer } from "./validate-answer.ts"

/** The part of `Sessions` that lists and answers waits. It needs only the store, and no running server. */
export type Decisions = Pick<
  Sessions,
  "answerAll" | "answer" | "openWaits" | "grants" | "revokeGrant" | "audit"
>

export interface DecisionsOptions {
  readonly log: SessionLog
  readonly approvals: Approvals
  readonly checkSchema: SchemaCheck
  readonly clock: Clock
  /** Called after an answer is durable, so that its run continues at once. */
  readonly onAnswered: (sessionId: string) => Promise<void>
}

/** Maximum number of waits or audit records in one list. */
const mostListed = 1_000

export function createDecisions(options: DecisionsOptions): Decisions {
  const { log, approvals, checkSchema, clock, onAnswered } = options
  /** Returns the command of the answer, or the reason to refuse it. */
  const prepare = async (given: GivenAnswer): Promise<Prepared> => {
    const { toolCallId, nonce, decidedBy, segment, kind } = given
    if (segment !== undefined && !isBounded(segment)) return invalidSegment
    const wait = await approvals.wait(given.sessionId, { toolCallId, kind })
    if (wait === null) return { status: "unknown" }
    if (wait.state === "open" && !mayDecide(findApprover(wait), decidedBy)) return forbidden
    const at = clock.now()
    const answer = toAnswer(given)
    // An answer that will be refused need not be valid, because the store reports the reason.
    const checkedAnswer = takes(wait, nonce, at) ? await validateAnswer(checkSchema, wait, answer) : answer
    if ("status" in checkedAnswer) return checkedAnswer
    // The session may be a descendant of the one that received the answer.
    const { waitId, sessionId } = wait
    const facts = { waitId, nonce, decidedBy, at, ...(segment !== undefined && { segment }) }
    return { status: "valid", command: { type: "answer", sessionId, ...facts, ...checkedAnswer } }
  }
  const answerAll: Decisions["answerAll"] = async (answers) => {
    if (answers.length > maxAnswers) return tooManyAnswers
    const prepared = await Promise.all(answers.map(prepare))
    const refused = prepared.findIndex((each) => "message" in each)
    const problem = prepared[refused]
    if (problem !== undefined && "message" in problem)
      return answers.length === 1 ? problem : nameAnswer(problem, refused)
    const commands = prepared.flatMap((each) => (each.status === "valid" ? [each.command] : []))
    const stored = commands.length === 0 ? [] : await log.answerAll(commands)
    const changed = new Set(
      commands.filter((_, index) => stored[index]?.status === "accepted").map(sessionOf),
    )
    for (const sessionId of changed) await onAnswered(sessionId)
    const outcomes = stored.values()
    return prepared.map(({ status }) => (status === "valid" ? outcomes.next().value : null) ?? unknownWait)
  }
  return {
    answerAll,
    async answer(given) {
      const outcomes = await answerAll([given])
      return "status" in outcomes ? outcomes : (outcomes[0] ?? unknownWait)
    },
    openWaits: (filter) => approvals.openWaits({ ...filter, now: clock.now(), limit: mostListed }),
    grants: (sessionId) => approvals.grants(sessionId),
    revokeGrant: (revocation) => approvals.revokeGrant({ ...revocation, at: clock.now() }),
    audit: ({ limit = mostListed, ...filter }) => approvals.audit({ ...filter, limit }),
  }
}

function takes(wait: Wait, nonce: string, at: number): boolean {
  return wait.state === "open" && wait.nonce === nonce && wait.expiresAt > at
}

type Prepared =
  | { readonly status: "valid"; readonly command: AnswerCommand }
  | { readonly status: "unknown" }
  | InvalidAnswer

function findApprover(wait: Wait): Approver {
  return wait.kind === "approval" ? (wait.payload.approvalsBy ?? "client") : "client"
}

const forbidden: InvalidAnswer = {
  status: "forbidden",
  message: "Only an operator may allow or deny this call.",
}

/** Maximum number of answers that are stored together, because their transaction locks the sessions. */
const maxAnswers = 100

const tooManyAnswers: InvalidAnswer = {
  status: "invalid",
  message: `At most ${maxAnswers} answers may be sent together.`,
}

const unknownWait = { status: "unknown" } as const

const invalidSegment: InvalidAnswer = {
  status: "invalid",
  message: `A segment has a wire of at most ${segmentBounds.wire} and an id of at most ${segmentBounds.id} characters.`,
}

function isBounded({ wire, id }: Segment): boolean {
  return wire.length <= segmentBounds.wire && id.length <= segmentBounds.id
}

/** Names the answer of a request with several ones. */
function nameAnswer({ status, message }: InvalidAnswer, index: number): InvalidAnswer {
  return { status, message: `answers[${index}]: ${message}` }
}

const sessionOf = ({ sessionId }: AnswerCommand) => sessionId

function toAnswer(given: GivenAnswer): AnyAnswer {
  switch (given.kind) {
    case "approval": {
      const { approved, editedInput = null, reason = null, allowToolType = false, scope = "session" } = given
      // Edited arguments make another call than the one that was asked about, so they grant nothing.
      const asAsked = allowToolType && editedInput === null
      const granted = { grant: asAsked, ...(asAsked && scope === "tree" && { scope }) }
      return { kind: "approval", answer: { approved, editedInput, reason, ...granted } }
    }
    case "clientTool":
      return { kind: "clientTool", answer: { result: given.result } }
    case "elicitation": {
      const { action, content = null } = given
      return { kind: "elicitation", answer: { action, content } }
    }
    default:
      return given satisfies never
  }
}
