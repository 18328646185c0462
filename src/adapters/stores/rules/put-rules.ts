import { selectNewMessage } from "../../../core/history/message-input.ts"
import {
  maxQueuedMessages,
  type PutCommand,
  type PutRun,
  type TaskEndCommand,
  type WhenBusy,
  type WithdrawMessageCommand,
} from "../../../core/ports/store/inbox.ts"
import type { CancelCommand, MessageCommand, PutOutcome } from "../../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../../core/ports/store/storage-limits.ts"
import { type CommandRow, createDueCommand, type NewCommand } from "../rows/command-rows.ts"
import { isCancelled } from "./inbox-rules.ts"
import { computeDueChanges, type DueChange, findPosition, listQueue, type Moment } from "./queue-order.ts"

export interface OpenRun {
  readonly runId: string
  readonly cursor: number
  readonly steerable: boolean
}

/** A locked session at the time of a put. */
export interface Receiver {
  readonly open: OpenRun | null
  readonly isRevoked: boolean
  /** Sequence number of the newest entry. */
  readonly lastSeq: number
  readonly storedBytes: number
  readonly rows: readonly CommandRow[]
  /** The time of the store's clock. */
  readonly now: number
}

/** All changes of a put in the store. */
export interface PutPlan {
  readonly outcome: PutOutcome
  /** A queued run to insert. */
  readonly run: { readonly runId: string; readonly cursor: number } | null
  /** Commands to insert, in this order. */
  readonly commands: readonly NewCommand[]
  /** Ids of commands to delete: withdrawn messages, also steering ones. */
  readonly deleted: readonly number[]
  readonly due: readonly DueChange[]
  /** If true, the session has due work. */
  readonly isDue: boolean
}

/** Decides the effect of a message with a new idempotency key. */
export function planMessage(
  message: MessageCommand,
  receiver: Receiver,
  limits: StorageLimits | undefined,
): PutPlan {
  const { whenBusy = "reject" } = message
  // The token may have been valid when the request began.
  if (receiver.isRevoked) return createEmptyPlan({ status: "revoked" })
  if (message.joins !== undefined) return planJoining(message, message.joins, receiver, limits)
  const refusal = findRefusal(message, receiver, limits)
  if (refusal !== null) return createEmptyPlan(refusal)
  if (message.supersede !== undefined) return planSuperseding(message, receiver)
  const { open } = receiver
  if (whenBusy === "steer" && open !== null && mayJoin(message, receiver, open)) {
    return planSteering(message, open)
  }
  return planQueued(message, receiver)
}

/** Decides the effect of a command that is not a message. */
export function planChange(command: Exclude<PutCommand, MessageCommand>, receiver: Receiver): PutPlan {
  switch (command.type) {
    case "cancel":
      return planCancel(command, receiver)
    case "withdrawMessage":
      return planMessageWithdrawal(command, receiver)
    case "taskEnd":
      return planTaskEnd(command, receiver)
    default:
      return command satisfies never
  }
}

/** Decides the effect of a cancel: the end of the open run, the withdrawal of a queued run, or nothing. */
export function planCancel(command: CancelCommand, receiver: Receiver): PutPlan {
  const { open, rows, lastSeq } = receiver
  const { sessionId, at } = command
  const target = command.runId ?? open?.runId ?? findDueMessage(receiver)?.runId ?? null
  if (target === null) return createEmptyPlan({ status: "unknown" })
  if (target === open?.runId) {
    const outcome = createAccepted({ runId: target, cursor: open.cursor })
    const cancel = createDueCommand({ ...command, runId: target })
    return { ...createEmptyPlan(outcome), commands: isCancelled(rows, target) ? [] : [cancel], isDue: true }
  }
  const outcome = createAccepted({ runId: target, cursor: lastSeq })
  if (rows.some(({ type, runId }) => type === "withdraw" && runId === target)) return createEmptyPlan(outcome)
  return withdraw([target], { outcome, sessionId, at }, receiver)
}

/** Deletes a steering message that no commit has consumed. A commit that logs it later is refused. */
function planMessageWithdrawal({ messageId }: WithdrawMessageCommand, { rows, lastSeq }: Receiver): PutPlan {
  const message = rows.find(({ id, type }) => id === messageId && type === "steer")
  if (message === undefined) return createEmptyPlan({ status: "unknown" })
  const { id, runId } = message
  return { ...createEmptyPlan(createAccepted({ runId, cursor: lastSeq })), deleted: [id] }
}

/** Decides the effect of the end of a task: a command that is due at once, whatever the session does. */
function planTaskEnd(command: TaskEndCommand, { lastSeq }: Receiver): PutPlan {
  const { runId } = command
  return {
    ...createEmptyPlan(createAccepted({ runId, cursor: lastSeq })),
    commands: [createDueCommand(command)],
    isDue: true,
  }
}

/** Decides the effect of a message that only one run may take. While that run is queued, the session is busy. */
function planJoining(
  message: MessageCommand,
  runId: string,
  receiver: Receiver,
  limits: StorageLimits | undefined,
): PutPlan {
  const { open, rows } = receiver
  if (open?.runId === runId && mayJoin(message, receiver, open)) {
    const refusal = findRefusal(message, receiver, limits)
    return refusal === null ? planSteering(message, open) : createEmptyPlan(refusal)
  }
  const isQueued = rows.some((row) => row.type === "message" && row.runId === runId)
  return createEmptyPlan(isQueued ? { status: "busy", runId } : { status: "unknown" })
}

/** Decides the effect of a session's revocation: the end of its open run, and the withdrawal of all queued runs. */
export function planRevocation(
  { sessionId, at }: { readonly sessionId: string; readonly at: number },
  receiver: Receiver,
): PutPlan {
  const { open, rows } = receiver
  const queued = listQueue(rows, receiver.now).map(({ runId }) => runId)
  const plan = withdraw(queued, { outcome: { status: "unknown" }, sessionId, at }, receiver)
  if (open === null || isCancelled(rows, open.runId)) return plan
  const cancel = createDueCommand({ type: "cancel", sessionId, runId: open.runId, at })
  return { ...plan, commands: [cancel, ...plan.commands], isDue: true }
}

/** Returns the reason to refuse a message. */
function findRefusal(
  { whenBusy = "reject", supersede }: MessageCommand,
  receiver: Receiver,
  limits: StorageLimits | undefined,
): PutOutcome | null {
  const { open, rows, storedBytes } = receiver
  const busy = open ?? findDueMessage(receiver)
  if (busy !== null && whenBusy === "reject" && supersede === undefined)
    return { status: "busy", runId: busy.runId }
  const waiting = rows.filter(
    ({ type }) => (type === "message" && supersede === undefined) || type === "steer",
  )
  if (waiting.length >= maxQueuedMessages) return { status: "queueFull" }
  return checkStorage(storedBytes, limits)
}

/**
 * Returns true if the message can join the open run. A canceled run has no further step to join, and a run of a
 * foreign loop has none at all.
 */
function mayJoin({ notBefore = 0 }: MessageCommand, { rows, now }: Receiver, open: OpenRun): boolean {
  return open.steerable && notBefore <= now && !isCancelled(rows, open.runId)
}

/**
 * Rank of a message that supersedes a run. It is taken before messages that interrupt, because these follow it. At most
 * one such message is queued.
 */
const supersedingRank = -1_000_000

/** Decides the effect of a message that takes the place of a run: it also withdraws all queued runs. */
function planSuperseding(message: MessageCommand, receiver: Receiver): PutPlan {
  const { sessionId, at } = message
  const queued = listQueue(receiver.rows, receiver.now)
  const runIds = queued.map(({ runId }) => runId)
  const withdrawal = withdraw(runIds, { outcome: { status: "unknown" }, sessionId, at }, receiver)
  const left = receiver.rows.filter((row) => !queued.includes(row))
  const plan = planQueued({ ...message, whenBusy: "interrupt" }, { ...receiver, rows: left })
  return {
    ...plan,
    commands: [...withdrawal.commands, ...plan.commands],
    deleted: withdrawal.deleted,
    isDue: true,
  }
}

function planSteering({ sessionId, input, at }: MessageCommand, { runId, cursor }: OpenRun): PutPlan {
  const steer = createDueCommand({ type: "steer", sessionId, runId, at, content: selectNewMessage(input) })
  return { ...createEmptyPlan({ status: "steered", runId, cursor }), commands: [{ ...steer, dueAt: null }] }
}

function planQueued(message: MessageCommand, receiver: Receiver): PutPlan {
  const { open, rows, now, lastSeq } = receiver
  const { sessionId, runId, at, whenBusy = "reject", notBefore = 0 } = message
  const moment = toMoment(receiver)
  const queue = listQueue(rows, now)
  const rank = message.supersede !== undefined ? supersedingRank : computeRank(whenBusy, queue)
  // The id is higher than all others. The store assigns the final number.
  const row = { id: Number.MAX_SAFE_INTEGER, runId, type: "message", rank, notBefore, dueAt: null }
  const changes = computeDueChanges([...rows, row], moment)
  const isNext = changes.some(({ id }) => id === row.id)
  const position = findPosition([...rows, row], runId, moment)
  const follows = open !== null || (position ?? 1) > 1
  const stored = follows ? dropClientHistory(message) : message
  const cancels = whenBusy === "interrupt" && open !== null && !isCancelled(rows, open.runId)
  const cancel = open === null ? [] : [createDueCommand({ type: "cancel", sessionId, runId: open.runId, at })]
  return {
    outcome: createAccepted({ runId, cursor: lastSeq, ...(position !== undefined && { position }) }),
    run: { runId, cursor: lastSeq },
    commands: [
      ...(cancels ? cancel : []),
      { command: stored, rank, notBefore, dueAt: isNext ? notBefore : null },
    ],
    deleted: [],
    due: changes.filter(({ id }) => id !== row.id),
    isDue: cancels || (isNext && notBefore <= now),
  }
}

/** Returns the rank of a message. One that interrupts is taken before all others, except one that supersedes a run. */
function computeRank(whenBusy: WhenBusy, queue: readonly CommandRow[]): number {
  if (whenBusy !== "interrupt") return 0
  const ranks = queue.map((row) => row.rank).filter((rank) => rank > supersedingRank)
  return Math.min(0, ...ranks) - 1
}

/**
 * Returns the message without the client's conversation. Earlier runs have not ended, so the client cannot know the
 * history that the message continues (rule 13).
 */
function dropClientHistory(message: MessageCommand): MessageCommand {
  return { ...message, input: { type: "message", content: selectNewMessage(message.input) } }
}

/** Deletes the messages of these runs, and adds the commands that announce the end of each run. */
function withdraw(
  runIds: readonly string[],
  {
    outcome,
    sessionId,
    at,
  }: { readonly outcome: PutOutcome; readonly sessionId: string; readonly at: number },
  receiver: Receiver,
): PutPlan {
  const { rows } = receiver
  const withdrawn = rows.filter(({ type, runId }) => type === "message" && runIds.includes(runId))
  if (withdrawn.length === 0) return createEmptyPlan({ status: "unknown" })
  const left = rows.filter((row) => !withdrawn.includes(row))
  return {
    ...createEmptyPlan(outcome),
    commands: withdrawn.map(({ runId }) => createDueCommand({ type: "withdraw", sessionId, runId, at })),
    deleted: withdrawn.map(({ id }) => id),
    due: computeDueChanges(left, toMoment(receiver)),
    isDue: true,
  }
}

function toMoment({ open, now }: Receiver): Moment {
  return { now, openRunId: open?.runId ?? null }
}

/** Returns the next queued message, if it is due. */
function findDueMessage(receiver: Receiver): CommandRow | null {
  const [next] = listQueue(receiver.rows, receiver.now)
  return next !== undefined && next.notBefore <= receiver.now ? next : null
}

function createEmptyPlan(outcome: PutOutcome): PutPlan {
  return { outcome, run: null, commands: [], deleted: [], due: [], isDue: false }
}

function createAccepted(run: PutRun): PutOutcome {
  return { status: "accepted", ...run }
}

/** Returns the reason why a session accepts no further message. Null if it accepts one. */
function checkStorage(
  storedBytes: number,
  limits: StorageLimits | undefined,
): Extract<PutOutcome, { status: "full" }> | null {
  if (limits === undefined) return null
  if (storedBytes >= limits.sessionBytes) return { status: "full", scope: "session" }
  return limits.principalIsFull ? { status: "full", scope: "principal" } : null
}
