import type { Decider } from "../core/entries.ts"
import { randomIds } from "../core/ids.ts"
import type {
  ApprovalCommand,
  ElicitationCommand,
  Lease,
  NewWait,
  SessionBatch,
  SessionLog,
  ToolResultCommand,
} from "../core/ports/session-log.ts"
import {
  commitOk,
  event,
  numbered,
  runFailed,
  runningSession,
  stepStarted,
} from "./session-log-contract-fixtures.ts"

export const decider: Decider = { via: "http", tenant: "tenant", userId: "boss", address: "192.0.2.1" }

/** What a database may refuse or lose, in one text. */
export const oddText =
  "nul \u0000, halves \ud800 and \udfff, emoji 👩‍👩‍👧, quote \" and ' and \\, \u2028 $1 ?"

export function newWait(runId: string, options: Partial<NewWait> = {}): NewWait {
  return {
    toolCallId: randomIds.next("call"),
    runId,
    kind: "approval",
    toolName: "send_mail",
    input: { to: "someone" },
    inputSchema: { type: "object" },
    qualifier: null,
    origin: null,
    reason: null,
    nonce: randomIds.next("nonce"),
    openedAt: 4_000,
    expiresAt: 100_000,
    ...options,
  }
}

type Asked = Pick<NewWait, "toolCallId" | "nonce">

export function approval(
  sessionId: string,
  { toolCallId, nonce }: Asked,
  options: Partial<ApprovalCommand> = {},
): ApprovalCommand {
  const base = { type: "approval", sessionId, toolCallId, nonce, decidedBy: decider, at: 5_000 } as const
  return { ...base, approved: true, editedInput: null, reason: null, grant: false, ...options }
}

export function toolResult(
  sessionId: string,
  { toolCallId, nonce }: Asked,
  options: Partial<ToolResultCommand> = {},
): ToolResultCommand {
  const base = { type: "toolResult", sessionId, toolCallId, nonce, decidedBy: decider, at: 5_000 } as const
  return { ...base, result: { type: "json", value: { done: true } }, ...options }
}

export function elicitation(
  sessionId: string,
  { toolCallId, nonce }: Asked,
  options: Partial<ElicitationCommand> = {},
): ElicitationCommand {
  const base = { type: "elicitation", sessionId, toolCallId, nonce, decidedBy: decider, at: 5_000 } as const
  return { ...base, action: "accept", content: { name: "Ada" }, ...options }
}

export interface AskingSession {
  readonly sessionId: string
  readonly runId: string
  readonly lease: Lease
  readonly waits: readonly [NewWait, ...NewWait[]]
}

/** A running session, under a lease, whose run waits for as many answers as options are given. Uses number 1. */
export async function askingSession(
  log: SessionLog,
  options: readonly [Partial<NewWait>, ...Partial<NewWait>[]] = [{}],
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

/** A batch that opens the waits with one event, of number `n`. */
export function opening({ runId, lease }: Running, waitsOpened: readonly NewWait[], n: number): SessionBatch {
  return { lease, entries: [event(numbered(lease, n), runId, stepStarted)], waitsOpened }
}

/** A batch that lets the waits expire with one event, of number `n`. */
export function expiring(
  { runId, lease }: Running,
  waits: readonly NewWait[],
  n: number,
  at = 100_000,
): SessionBatch {
  const entries = [event(numbered(lease, n), runId, stepStarted, { at })]
  return { lease, entries, waitsExpired: waits.map(({ toolCallId }) => toolCallId) }
}

/** A batch that ends the run with one event, of number `n`. */
export function ending({ runId, lease }: Running, n: number, at = 6_000): SessionBatch {
  const entries = [event(numbered(lease, n), runId, runFailed, { at })]
  return { lease, entries, runEnded: { runId, state: "failed" } }
}
