import { WaitAnsweredError } from "../../../core/errors.ts"
import type { Event, WaitOpened, WaitResolved } from "../../../core/log/entries.ts"
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
import { completeCall, createCompletion } from "../tools/complete-call.ts"
import { transformResult } from "../tools/transform-result.ts"

/** Returns true if the call's wait has ended, or if `takeAnswer` would find that it has. */
export function isWaitOver(context: RunContext, call: CallState): boolean {
  const { answers, acting } = context
  const { toolCallId } = call.requested
  const isAnswered = answers.has(toolCallId) || acting.has(toolCallId)
  return findOpenWait(call) === null || isAnswered || isUnansweredWaitOver(context, call)
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
  if (await takeAnswers(context, call)) return true
  if (!isUnansweredWaitOver(context, call)) return false
  await expire(context, { call, wait })
  return true
}

/** Ends the open question of a call that has ended. An answer that arrived before is still accepted. */
export async function closeQuestion(context: SettlingContext, call: CallState): Promise<void> {
  for (let wait = findOpenWait(call); wait !== null; wait = findOpenWait(call)) {
    if (!(await takeAnswers(context, call))) await expire(context, { call, wait })
  }
}

/**
 * If the inbox has an answer to the call, logs it in one commit with the answers to all other calls of the run, so that
 * no reader sees the run between answers that were sent together. Resolves to false if there is none. Of concurrent
 * calls, one acts on the answers and the others wait for it.
 */
async function takeAnswers(context: SettlingContext, { requested }: CallState): Promise<boolean> {
  const { acting } = context
  const { toolCallId } = requested
  const current = acting.get(toolCallId)
  if (current !== undefined) return current.then(() => true)
  if (!context.answers.has(toolCallId)) return false
  const answered = listAnswered(context)
  const done = act(context, answered)
  for (const { call } of answered) acting.set(call.requested.toolCallId, done)
  try {
    await done
  } finally {
    for (const { call } of answered) acting.delete(call.requested.toolCallId)
  }
  return answered.some(({ call }) => call.requested.toolCallId === toolCallId)
}

/** Takes the answers to the calls that wait. */
function listAnswered({ answers, conversation }: SettlingContext): readonly Answered[] {
  const phase = conversation.run?.phase
  if (phase?.type !== "settling") return []
  return [...phase.calls.values()].flatMap((call) => {
    const wait = findOpenWait(call)
    const answer = wait === null ? null : answers.take(call.requested.toolCallId)
    return wait === null || answer === null ? [] : [{ call, wait, answer }]
  })
}

function isTimeOver(now: number, call: CallState): boolean {
  const wait = findOpenWait(call)
  return wait !== null && now >= wait.expiresAt
}

interface Waiting {
  readonly call: CallState
  readonly wait: WaitOpened
}

interface Answered extends Waiting {
  readonly answer: Answer
}

async function act(context: SettlingContext, answered: readonly Answered[]): Promise<void> {
  const events = await Promise.all(answered.map((each) => createAnswerEvents(context, each)))
  await record(context, events.flat(), { consume: answered.map(({ answer }) => answer.id) })
}

/** Returns the events that log an answer. */
async function createAnswerEvents(
  context: SettlingContext,
  { call, wait, answer }: Answered,
): Promise<readonly Event[]> {
  const resolve = (outcome: AnyResolution) => createResolvedEvent(wait, outcome, answer)
  switch (answer.kind) {
    case "clientTool": {
      const durationMs = Math.max(0, answer.at - (call.openedAt ?? answer.at))
      const result = await transformResult(context, call, answer.answer.result)
      const after = [resolve({ kind: "clientTool", resolution: {} })]
      return createCompletion(context, call, result, { durationMs, after })
    }
    case "approval": {
      const { approved, editedInput, reason } = answer.answer
      return [resolve({ kind: "approval", resolution: { approved, editedInput, reason } })]
    }
    case "elicitation": {
      const { action, content } = answer.answer
      return [resolve({ kind: "elicitation", resolution: { action, content } })]
    }
    case "child": {
      const timeLimitAt = wait.kind === "child" ? wait.payload.timeLimitAt : undefined
      const resolution = markTimeLimit(answer.answer, { at: answer.at, timeLimitAt })
      return [resolve({ kind: "child", resolution })]
    }
    default:
      return answer satisfies never
  }
}

/** Closes an expired wait, unless an answer arrived just before. That answer is then in the inbox. */
async function expire(context: SettlingContext, { call, wait }: Waiting): Promise<void> {
  const outbox = wait.kind === "child" ? [cancelChild(wait, context.clock.now())] : []
  const effects = { expire: [wait.waitId], outbox }
  const end = createResolvedEvent(wait, resolveUnanswered(wait), { decidedBy: null })
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
  { decidedBy, segment }: Pick<WaitResolved, "decidedBy" | "segment">,
): WaitResolved {
  const facts = { waitId, toolCallId, decidedBy, ...(segment !== undefined && { segment }) }
  return { type: "waitResolved", ...facts, ...outcome }
}
