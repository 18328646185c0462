import { randomIds } from "../../../core/ids.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Decider } from "../../../core/log/entries.ts"
import type {
  AnswerCommand,
  Lease,
  NewWait,
  SessionBatch,
  SessionLog,
} from "../../../core/ports/store/session-log.ts"
import type { Question, QuestionAnswer } from "../../../core/question.ts"
import type { ChildOutcome } from "../../../core/runs/child.ts"
import { noSpending } from "../../../core/usage.ts"
import type { AnyPayload, ApprovalDecision, ApprovalPayload, WaitKind } from "../../../core/wait.ts"
import { commitOk, event, numbered, runFailed, runningSession, stepStarted } from "../fixtures.ts"

export const decider: Decider = { via: "http", tenant: "tenant", userId: "boss", address: "192.0.2.1" }

/** Characters that a database may refuse or lose, in one text. */
export const oddText =
  "nul \u0000, halves \ud800 and \udfff, emoji 👩‍👩‍👧, quote \" and ' and \\, \u2028 $1 ?"

/** Facts of a wait, and parts of its payload that cases use. */
export type WaitOptions = Partial<Omit<NewWait, "kind" | "payload">> & {
  readonly kind?: WaitKind
  readonly input?: JsonObject
  readonly qualifier?: string | null
  readonly reason?: string | null
  readonly question?: Question
}

export function newWait(runId: string, options: WaitOptions = {}): NewWait {
  const { kind = "approval", input = { to: "someone" }, qualifier = null, reason = null, ...rest } = options
  const { question = { mode: "form", message: "Who?", schema: { type: "object" } }, ...facts } = rest
  return {
    waitId: randomIds.next("wait"),
    toolCallId: randomIds.next("call"),
    runId,
    toolName: "send_mail",
    answerSchema: { type: "object" },
    origin: null,
    nonce: randomIds.next("nonce"),
    openedAt: 4_000,
    expiresAt: 100_000,
    rootSessionId: "sess_root",
    ...facts,
    ...payloadOf(kind, { input, qualifier, reason, question }),
  }
}

function payloadOf(
  kind: WaitKind,
  { question, ...asked }: ApprovalPayload & { readonly question: Question },
): AnyPayload {
  switch (kind) {
    case "approval":
      return { kind, payload: asked }
    case "clientTool":
      return { kind, payload: { input: asked.input, callIndex: 0 } }
    case "elicitation":
      return { kind, payload: { question, server: null } }
    case "child":
      return {
        kind,
        payload: { agent: "agent", sessionId: "sess_child", runId: "run_child", reservedUsd: null },
      }
    case "timer":
      return { kind, payload: {} }
    default:
      return kind satisfies never
  }
}

export function qualifierOf(wait: NewWait): string | null {
  return wait.kind === "approval" ? wait.payload.qualifier : null
}

type Asked = Pick<NewWait, "waitId" | "nonce">
interface AnswerOptions {
  readonly at?: number | undefined
  readonly decidedBy?: Decider | undefined
}

function answerTo(
  sessionId: string,
  { waitId, nonce }: Asked,
  { at = 5_000, decidedBy = decider }: AnswerOptions,
) {
  return { type: "answer", sessionId, waitId, nonce, decidedBy, at } as const
}

export function approval(
  sessionId: string,
  asked: Asked,
  { at, decidedBy, ...given }: Partial<ApprovalDecision> & AnswerOptions = {},
): AnswerCommand {
  const answer = { approved: true, editedInput: null, reason: null, grant: false, ...given }
  return { ...answerTo(sessionId, asked, { at, decidedBy }), kind: "approval", answer }
}

export function toolResult(sessionId: string, asked: Asked, options: AnswerOptions = {}): AnswerCommand {
  const answer = { result: { type: "json", value: { done: true } } } as const
  return { ...answerTo(sessionId, asked, options), kind: "clientTool", answer }
}

export function elicitation(
  sessionId: string,
  asked: Asked,
  given: Partial<QuestionAnswer> = {},
): AnswerCommand {
  const answer = { action: "accept", content: { name: "Ada" }, ...given } as const
  return { ...answerTo(sessionId, asked, {}), kind: "elicitation", answer }
}

const childOutcome: ChildOutcome = {
  outcome: "completed",
  reason: null,
  response: "",
  output: null,
  error: null,
  spent: noSpending,
  charged: 0,
}

export function childAnswer(sessionId: string, asked: Asked): AnswerCommand {
  const answer = { ...childOutcome, response: "Done." }
  return { ...answerTo(sessionId, asked, {}), kind: "child", answer }
}

export interface AskingSession {
  readonly sessionId: string
  readonly runId: string
  readonly lease: Lease
  readonly waits: readonly [NewWait, ...NewWait[]]
}

/** Creates a running session, under a lease, whose run waits for an answer for each of the options. Uses number 1. */
export async function askingSession(
  log: SessionLog,
  options: readonly [WaitOptions, ...WaitOptions[]] = [{}],
  session: { readonly agent?: string } = {},
): Promise<AskingSession> {
  const running = await runningSession(log, session)
  const [first, ...others] = options
  const waits: [NewWait, ...NewWait[]] = [
    newWait(running.runId, first),
    ...others.map((each) => newWait(running.runId, each)),
  ]
  await commitOk(log, opening(running, waits, 1))
  return { ...running, waits }
}

interface Running {
  readonly runId: string
  readonly lease: Lease
}

/** Returns a batch that opens the waits with one event, of number `n`. */
export function opening({ runId, lease }: Running, waitsOpened: readonly NewWait[], n: number): SessionBatch {
  return { lease, entries: [event(numbered(lease, n), runId, stepStarted)], waitsOpened }
}

/** Returns a batch that lets the waits expire with one event, of number `n`. */
export function expiring(
  { runId, lease }: Running,
  waits: readonly NewWait[],
  n: number,
  at = 100_000,
): SessionBatch {
  const entries = [event(numbered(lease, n), runId, stepStarted, { at })]
  return { lease, entries, waitsExpired: waits.map(({ waitId }) => waitId) }
}

/** Returns a batch that ends the run with one event, of number `n`. */
export function ending({ runId, lease }: Running, n: number, at = 6_000): SessionBatch {
  const entries = [event(numbered(lease, n), runId, runFailed, { at })]
  return { lease, entries, runEnded: { runId, state: "failed" } }
}
