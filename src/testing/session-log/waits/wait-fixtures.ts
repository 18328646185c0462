import assert from "node:assert/strict"
import { randomIds } from "../../../core/ids.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Decider } from "../../../core/log/entries.ts"
import type {
  AnswerCommand,
  AnswerOutcome,
  Lease,
  SessionBatch,
  SessionLog,
} from "../../../core/ports/store/session-log.ts"
import type { Question, QuestionAnswer } from "../../../core/question.ts"
import type { ChildOutcome } from "../../../core/runs/child.ts"
import { noSpending } from "../../../core/usage.ts"
import type { AnyPayload, ApprovalDecision, ApprovalPayload, NewWait, WaitKind } from "../../../core/wait.ts"
import { commitOk, createEvent, runFailed, startSession, stepStarted, toSeq } from "../fixtures.ts"

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

export function createWait(runId: string, options: WaitOptions = {}): NewWait {
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

export function readQualifier(wait: NewWait): string | null {
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

export function createApproval(
  sessionId: string,
  asked: Asked,
  { at, decidedBy, ...given }: Partial<ApprovalDecision> & AnswerOptions = {},
): AnswerCommand {
  const answer = { approved: true, editedInput: null, reason: null, grant: false, ...given }
  return { ...answerTo(sessionId, asked, { at, decidedBy }), kind: "approval", answer }
}

export function createToolResult(
  sessionId: string,
  asked: Asked,
  options: AnswerOptions = {},
): AnswerCommand {
  const answer = { result: { type: "json", value: { done: true } } } as const
  return { ...answerTo(sessionId, asked, options), kind: "clientTool", answer }
}

export function createElicitation(
  sessionId: string,
  asked: Asked,
  given: Partial<QuestionAnswer> = {},
): AnswerCommand {
  const answer = { action: "accept", content: { name: "Ada" }, ...given } as const
  return { ...answerTo(sessionId, asked, {}), kind: "elicitation", answer }
}

/** Puts one answer. */
export async function putAnswer(log: SessionLog, command: AnswerCommand): Promise<AnswerOutcome> {
  const [outcome] = await log.answerAll([command])
  assert.ok(outcome)
  return outcome
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

export function createChildAnswer(sessionId: string, asked: Asked): AnswerCommand {
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
export async function startAskingSession(
  log: SessionLog,
  options: readonly [WaitOptions, ...WaitOptions[]] = [{}],
  session: { readonly agent?: string } = {},
): Promise<AskingSession> {
  const running = await startSession(log, session)
  const [first, ...others] = options
  const waits: [NewWait, ...NewWait[]] = [
    createWait(running.runId, first),
    ...others.map((each) => createWait(running.runId, each)),
  ]
  await commitOk(log, createOpening(running, waits, 1))
  return { ...running, waits }
}

interface Running {
  readonly runId: string
  readonly lease: Lease
}

/** Returns a batch that opens the waits with one event, of number `n`. */
export function createOpening(
  { runId, lease }: Running,
  waitsOpened: readonly NewWait[],
  n: number,
): SessionBatch {
  return { lease, entries: [createEvent(toSeq(lease, n), runId, stepStarted)], waitsOpened }
}

/** Returns a batch that lets the waits expire with one event, of number `n`. */
export function createExpiring(
  { runId, lease }: Running,
  waits: readonly NewWait[],
  n: number,
  at = 100_000,
): SessionBatch {
  const entries = [createEvent(toSeq(lease, n), runId, stepStarted, { at })]
  return { lease, entries, waitsExpired: waits.map(({ waitId }) => waitId) }
}

/** Returns a batch that ends the run with one event, of number `n`. */
export function createEnding({ runId, lease }: Running, n: number, at = 6_000): SessionBatch {
  const entries = [createEvent(toSeq(lease, n), runId, runFailed, { at })]
  return { lease, entries, runEnded: { runId, state: "failed" } }
}
