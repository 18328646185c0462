import { WaitAnsweredError } from "../../../core/errors.ts"
import type { WaitOpened, WaitResolved } from "../../../core/log/entries.ts"
import type { Answer } from "../../../core/ports/run/answers.ts"
import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import { noSpending } from "../../../core/usage.ts"
import type { AnyResolution } from "../../../core/wait.ts"
import { hasPlace } from "../children/places.ts"
import { createTimeoutError, markTimeLimit } from "../children/time-limit.ts"
import { cancelChild } from "../children/tree-effects.ts"
import type { Conversation } from "../conversation.ts"
import { type RunContext, record, type SettlingContext } from "../run-context.ts"
import { type CallState, findOpenWait } from "../tools/call-state.ts"
import { completeCall } from "../tools/complete-call.ts"
import { transformResult } from "../tools/transform-result.ts"

/** Returns true if `takeAnswer` would find that the call's wait has ended. */
export function isWaitOver(context: RunContext, call: CallState): boolean {
  return context.answers.has(call.requested.toolCallId) || isUnansweredWaitOver(context, call)
}

/** Returns true if the end of a background task has ended the wait of a call of the open run. */
export function hasAwaitedTaskEnded(conversation: Conversation): boolean {
  const phase = conversation.run?.phase
  if (phase?.type !== "settling") return false
  return [...phase.calls.values()].some(
    (call) => hasTaskEnded({ conversation }, call) || hasPlace(conversation, call),
  )
}

/** Returns true if the call's open wait has ended without an answer. */
function isUnansweredWaitOver({ clock, conversation }: RunContext, call: CallState): boolean {
  return isTimeOver(clock.now(), call) || hasTaskEnded({ conversation }, call) || hasPlace(conversation, call)
}

function hasTaskEnded(
  { conversation: { tasks } }: Pick<RunContext, "conversation">,
  call: CallState,
): boolean {
  const wait = findOpenWait(call)
  if (wait?.kind !== "timer") return false
  return wait.payload.tasks?.some((taskId) => tasks.find(taskId)?.state !== "running") ?? false
}

/** Resolves when a new answer arrives, at `time` at the latest, or when the signal aborts. */
export async function waitForArrival(
  { answers, clock }: RunContext,
  time: number,
  signal: AbortSignal,
): Promise<void> {
  const due = new AbortController()
  const timer = setTimeout(() => due.abort(), Math.min(time - clock.now(), longestTimerMs))
  try {
    await answers.arrival(AbortSignal.any([signal, due.signal]))
  } finally {
    clearTimeout(timer)
    due.abort()
  }
}

/**
 * Resolves the call's open wait if it has ended. Returns false if the call still waits. If an answer and the expiry
 * coincide, the one that the store has first counts.
 */
export async function takeAnswer(context: SettlingContext, call: CallState): Promise<boolean> {
  const wait = findOpenWait(call)
  if (wait === null) return false
  const answer = context.answers.take(call.requested.toolCallId)
  if (answer !== null) await act(context, { call, wait, answer })
  else if (isUnansweredWaitOver(context, call)) await expire(context, { call, wait })
  else return false
  return true
}

/** Ends the open question of a call that has ended. An answer that arrived before is still accepted. */
export async function closeQuestion(context: SettlingContext, call: CallState): Promise<void> {
  for (let wait = findOpenWait(call); wait !== null; wait = findOpenWait(call)) {
    const answer = context.answers.take(call.requested.toolCallId)
    await (answer === null ? expire(context, { call, wait }) : act(context, { call, wait, answer }))
  }
}

function isTimeOver(now: number, call: CallState): boolean {
  const wait = findOpenWait(call)
  return wait !== null && now >= wait.expiresAt
}

interface Waiting {
  readonly call: CallState
  readonly wait: WaitOpened
}

async function act(
  context: SettlingContext,
  { call, wait, answer }: Waiting & { readonly answer: Answer },
): Promise<void> {
  const { decidedBy } = answer
  const consume = [answer.id]
  switch (answer.kind) {
    case "clientTool": {
      const durationMs = Math.max(0, answer.at - (call.openedAt ?? answer.at))
      const after = [createResolvedEvent(wait, { kind: "clientTool", resolution: {} }, decidedBy)]
      const result = await transformResult(context, call, answer.answer.result)
      return completeCall(context, call, result, { durationMs, after }, { consume })
    }
    case "approval": {
      const { approved, editedInput, reason } = answer.answer
      const resolution = { approved, editedInput, reason }
      return record(context, [createResolvedEvent(wait, { kind: "approval", resolution }, decidedBy)], {
        consume,
      })
    }
    case "elicitation": {
      const { action, content } = answer.answer
      const outcome = { kind: "elicitation", resolution: { action, content } } as const
      return record(context, [createResolvedEvent(wait, outcome, decidedBy)], { consume })
    }
    case "child": {
      const timeLimitAt = wait.kind === "child" ? wait.payload.timeLimitAt : undefined
      const resolution = markTimeLimit(answer.answer, { at: answer.at, timeLimitAt })
      const outcome = { kind: "child", resolution } as const
      return record(context, [createResolvedEvent(wait, outcome, decidedBy)], { consume })
    }
    default:
      answer satisfies never
  }
}

/** Closes an expired wait, unless an answer arrived just before. That answer is then in the inbox. */
async function expire(context: SettlingContext, { call, wait }: Waiting): Promise<void> {
  const outbox = wait.kind === "child" ? [cancelChild(wait, context.clock.now())] : []
  const effects = { expire: [wait.waitId], outbox }
  const end = createResolvedEvent(wait, resolveUnanswered(wait), null)
  try {
    if (wait.kind === "clientTool") {
      const message = "The client did not send a result in time."
      await completeCall(
        context,
        call,
        { type: "error", code: "client_timeout", message },
        { after: [end] },
        effects,
      )
    } else await record(context, [end], effects)
  } catch (thrown) {
    if (!(thrown instanceof WaitAnsweredError)) throw thrown
    await context.answers.refresh(context.signal)
  }
}

function resolveUnanswered(wait: WaitOpened): AnyResolution {
  const { kind } = wait
  switch (kind) {
    case "approval":
      return { kind, resolution: { approved: false, editedInput: null, reason: null } }
    case "elicitation":
      return { kind, resolution: { action: "cancel", content: null } }
    case "child": {
      const error = createTimeoutError()
      // The spent amount is unknown, so the whole reservation counts.
      const charged = wait.payload.reservedUsd ?? 0
      const nothing = { reason: null, response: "", output: null, spent: noSpending }
      return { kind, resolution: { outcome: "failed", error, charged, ...nothing } }
    }
    case "clientTool":
    case "timer":
      return { kind, resolution: {} }
    default:
      return kind satisfies never
  }
}

function createResolvedEvent(
  { waitId, toolCallId }: WaitOpened,
  outcome: AnyResolution,
  decidedBy: WaitResolved["decidedBy"],
): WaitResolved {
  return { type: "waitResolved", waitId, toolCallId, decidedBy, ...outcome }
}
