import { type ChildOutcome, maxResponseCharacters } from "../../core/child.ts"
import { isLongerAsJson } from "../../core/json/json.ts"
import { type Event, isTerminal, type TerminalEvent, type WaitOpened } from "../../core/log/entries.ts"
import { textOf } from "../../core/messages.ts"
import type { OutboxItem } from "../../core/ports/outbox.ts"
import type { SessionParent } from "../../core/ports/session-log.ts"
import { addCost, type Cost, noSpending } from "../../core/usage.ts"
import type { RunState } from "../conversation.ts"
import type { RunContext } from "../run-context.ts"
import { openWaitOf } from "../tools/call-state.ts"

type ChildWait = Extract<WaitOpened, { kind: "child" }>

/** Returns the waits for children that are open in the run. */
export function openChildrenOf({ phase }: RunState): readonly ChildWait[] {
  if (phase.type !== "settling") return []
  return [...phase.calls.values()].map(openWaitOf).filter((wait) => wait?.kind === "child")
}

/**
 * Returns what the events cause in other sessions of the tree, to be stored with them: the end of a run is reported
 * to the call that it works for, and cancels the runs that work for it.
 */
export function treeEffects(
  { conversation: { run, messages }, tree: { parent }, clock }: RunContext,
  events: readonly Event[],
): readonly OutboxItem[] {
  const end = events.find(isTerminal)
  if (run === null || end === undefined) return []
  const cancels = openChildrenOf(run).map((wait) => cancelChild(wait, clock.now()))
  if (parent === null) return cancels
  const last = events.findLast((event) => event.type === "messageCompleted")?.message
  const message = last ?? messages.findLast(({ role }) => role === "assistant")
  const response = message?.role === "assistant" ? textOf(message.content) : ""
  const charged = events.map(chargeOf).reduce(addCost, run.charged)
  const outcome = outcomeOf(end, { response, charged })
  return [...cancels, answerToParent(parent, { runId: run.runId, outcome, at: clock.now() })]
}

/**
 * Returns the item that cancels the child's run. A child that was not started yet no longer is, once its wait is
 * closed.
 */
export function cancelChild({ payload: { sessionId, runId } }: ChildWait, at: number): OutboxItem {
  const command = { type: "cancel", sessionId, runId, at } as const
  return { id: `cancel:${runId}`, kind: "command", payload: { type: "put", command } }
}

/** The outcome of a run that was withdrawn before it began. */
export const withdrawnOutcome: ChildOutcome = {
  outcome: "interrupted",
  reason: "cancelled",
  response: "",
  output: null,
  error: null,
  spent: noSpending,
  charged: 0,
}

/** Returns the item that answers the wait of the call that the run works for. */
export function answerToParent(
  { sessionId }: SessionParent,
  { runId, outcome, at }: { readonly runId: string; readonly outcome: ChildOutcome; readonly at: number },
): OutboxItem {
  const command = {
    type: "answer",
    kind: "child",
    sessionId,
    waitId: runId,
    nonce: runId,
    answer: outcome,
    decidedBy: { via: "code", tenant: null, userId: null, address: null },
    at,
  } as const
  return { id: `answer:${runId}`, kind: "command", payload: { type: "answer", command } }
}

function outcomeOf(
  end: TerminalEvent,
  { response, charged }: { readonly response: string; readonly charged: ChildOutcome["charged"] },
): ChildOutcome {
  const { usage, cost } = end
  const known = { response: truncated(response), spent: { usage, cost }, charged }
  if (end.type === "runFailed") {
    const error = { code: end.code, message: end.message }
    return { outcome: "failed", reason: null, output: null, error, ...known }
  }
  const { disposition: outcome, reason, output = null } = end
  return {
    outcome,
    reason,
    output: isLongerAsJson(output, maxResponseCharacters) ? null : output,
    error: null,
    ...known,
  }
}

/** Returns what an event of the run's last commit adds to its charges. */
function chargeOf(event: Event): Cost {
  return event.type === "messageCompleted" || event.type === "modelCallFailed" ? event.charged : 0
}

function truncated(text: string): string {
  if (text.length <= maxResponseCharacters) return text
  return `${text.slice(0, maxResponseCharacters)}\n[The response is longer and was truncated here.]`
}
