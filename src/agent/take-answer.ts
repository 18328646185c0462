import type { Event } from "../core/entries.ts"
import { WaitAnsweredError } from "../core/errors.ts"
import type { Answer } from "../core/ports/answers.ts"
import { type CallState, hasOpenQuestion } from "./call-state.ts"
import { complete } from "./complete-call.ts"
import { type RunContext, record, type SettlingContext } from "./run-context.ts"

const longestTimerMs = 2 ** 31 - 1

/** Whether `takeAnswer` would find that the call's wait is over. */
export function isWaitOver({ answers, clock }: RunContext, call: CallState): boolean {
  return answers.has(call.requested.toolCallId) || isTimeOver(clock.now(), call)
}

/** Resolves when an answer comes that was not there before, at `time` at the latest, and with the signal's abort. */
export async function arrivalUntil(
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

/** False when the call waits on. Of an answer and the end of its time, what the store has first counts. */
export async function takeAnswer(context: SettlingContext, call: CallState): Promise<boolean> {
  const answer = context.answers.take(call.requested.toolCallId)
  if (answer !== null) await act(context, call, answer)
  else if (isTimeOver(context.clock.now(), call)) await expire(context, call)
  else return false
  return true
}

/** Ends what was asked from inside a call that is over itself; an answer that came before is taken all the same. */
export async function closeQuestion(context: SettlingContext, call: CallState): Promise<void> {
  while (hasOpenQuestion(call)) {
    const answer = context.answers.take(call.requested.toolCallId)
    await (answer === null ? expire(context, call) : act(context, call, answer))
  }
}

function isTimeOver(now: number, { expiresAt }: CallState): boolean {
  return expiresAt !== null && now >= expiresAt
}

async function act(context: SettlingContext, call: CallState, answer: Answer): Promise<void> {
  const { toolCallId } = call.requested
  const consume = [answer.id]
  switch (answer.type) {
    case "toolResult": {
      const durationMs = Math.max(0, answer.at - (call.openedAt ?? answer.at))
      return complete(context, call, answer.result, { durationMs }, { consume })
    }
    case "approval": {
      const { approved, editedInput, reason, decidedBy } = answer
      const resolved: Event = {
        type: "approvalResolved",
        toolCallId,
        approved,
        editedInput,
        reason,
        decidedBy,
      }
      return record(context, [resolved], { consume })
    }
    case "elicitation": {
      const { action, content, decidedBy } = answer
      const resolved: Event = { type: "elicitationResolved", toolCallId, action, content, decidedBy }
      return record(context, [resolved], { consume })
    }
    default:
      answer satisfies never
  }
}

/** Nobody answered, unless somebody did just before: then that is in the inbox now. */
async function expire(context: SettlingContext, call: CallState): Promise<void> {
  try {
    await resolveUnanswered(context, call)
  } catch (thrown) {
    if (!(thrown instanceof WaitAnsweredError)) throw thrown
    await context.answers.refresh(context.signal)
  }
}

async function resolveUnanswered(context: SettlingContext, call: CallState): Promise<void> {
  const { toolCallId } = call.requested
  const effects = { expire: [toolCallId] }
  if (hasOpenQuestion(call)) {
    const nobody = { action: "cancel", content: null, decidedBy: null } as const
    return record(context, [{ type: "elicitationResolved", toolCallId, ...nobody }], effects)
  }
  if (call.state === "awaitingClient") {
    const message = "The client did not send a result in time."
    return complete(context, call, { type: "error", code: "client_timeout", message }, {}, effects)
  }
  const nobody = { approved: false, editedInput: null, reason: null, decidedBy: null }
  await record(context, [{ type: "approvalResolved", toolCallId, ...nobody }], effects)
}
