import { joinTexts } from "../../../core/history/messages.ts"
import { isLongerAsJson, type JsonObject } from "../../../core/json/json.ts"
import {
  type Event,
  isTerminal,
  type RunStarted,
  type TerminalEvent,
  type WaitOpened,
} from "../../../core/log/entries.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"
import type { CancelCommand, SessionParent } from "../../../core/ports/store/session-log.ts"
import { isTaskId } from "../../../core/runs/background-task.ts"
import { type ChildOutcome, maxResponseCharacters } from "../../../core/runs/child.ts"
import { addCost, type Cost, noSpending } from "../../../core/usage.ts"
import type { RunContext } from "../run-context.ts"
import type { RunState } from "../run-state.ts"
import { findOpenWait } from "../tools/call-state.ts"

type ChildWait = Extract<WaitOpened, { kind: "child" }>

/** Returns the waits for children that are open in the run. */
export function listOpenChildren({ phase }: RunState): readonly ChildWait[] {
  if (phase.type !== "settling") return []
  return [...phase.calls.values()].map(findOpenWait).filter((wait) => wait?.kind === "child")
}

/**
 * Returns the effects of the events on other sessions of the tree, to be stored in the same commit. The end of a run
 * is reported to the call that it works for, and cancels the runs that work for it.
 */
export function deriveTreeEffects(
  { conversation: { run, messages, tasks }, tree: { parent }, clock }: RunContext,
  events: readonly Event[],
): readonly OutboxItem[] {
  const end = events.find(isTerminal)
  if (run === null || end === undefined) return []
  const at = clock.now()
  const cancels = listOpenChildren(run).map((wait) => cancelChild(wait, at))
  if (parent === null) return cancels
  // A sub-agent's run is not followed by another message, so no later run could collect the results of its tasks.
  const tasksToEnd = tasks.running().map(({ sessionId: child, taskId: runId }) => {
    return cancelItem({ sessionId: child, runId, at }, "end")
  })
  const added = events.flatMap((event) => (event.type === "messageCompleted" ? [event.message] : []))
  const summaries = events.flatMap((event) => (event.type === "maxTurnsReached" ? (event.summary ?? []) : []))
  const texts = [...messages, ...added].flatMap((message) =>
    message.role === "assistant" ? [joinTexts(message.content)] : [],
  )
  const isComplete = end.type === "runCompleted" && end.disposition === "completed"
  const response = isComplete
    ? (texts.at(-1) ?? "")
    : [...texts, ...summaries].filter((text) => text !== "").join("\n\n")
  // The final cost of canceled tasks is not known yet, so everything reserved for them counts.
  const reserved = [...run.reservedByTasks.values()].reduce((sum, amount) => sum + amount, 0)
  const charged = events.map(chargeOf).reduce(addCost, addCost(run.charged, reserved))
  const outcome = toOutcome(end, { response, charged, toolsUsed: run.toolsUsed })
  return [
    ...cancels,
    ...tasksToEnd,
    reportToParent(parent, { runId: run.runId, outcome, at, ...selectSource(run.started) }),
  ]
}

/**
 * Returns the item that cancels the child's run. If the child has not started yet, closing its wait prevents the
 * start.
 */
export function cancelChild({ payload: { sessionId, runId } }: ChildWait, at: number): OutboxItem {
  return cancelItem({ sessionId, runId, at }, null)
}

/** Returns the item that cancels a run. Cancels for different reasons do not replace each other. */
export function cancelItem(run: Omit<CancelCommand, "type">, reason: string | null): OutboxItem {
  const command = { type: "cancel", ...run } as const
  const id = toCancelId(run.runId, reason)
  return { id, kind: "command", payload: { type: "put", command } }
}

/** Returns the item that cancels a child or a background task at its time limit, unless it ends before. */
export function timeLimitItem(run: Omit<CancelCommand, "type">): OutboxItem {
  return { ...cancelItem(run, timeLimitReason), notBefore: run.at }
}

/** Returns the id of the item that cancels a child or a background task at its time limit. */
export function timeLimitId(runId: string): string {
  return toCancelId(runId, timeLimitReason)
}

/** Returns the ids of the time limits that the events make superfluous: their children have no wait any more. */
export function listEndedTimeLimits(
  { conversation: { run } }: Pick<RunContext, "conversation">,
  events: readonly Event[],
): readonly string[] {
  const answered = events.flatMap((event) =>
    event.type === "waitResolved" && event.kind === "child" ? [event.waitId] : [],
  )
  const isOver = run !== null && events.some(isTerminal)
  const left = isOver ? listOpenChildren(run).map(({ waitId }) => waitId) : []
  return [...answered, ...left].map(timeLimitId)
}

const timeLimitReason = "late"

function toCancelId(runId: string | null, reason: string | null): string {
  return reason === null ? `cancel:${runId}` : `cancel:${runId}:${reason}`
}

/** The outcome of a run that was withdrawn before it started. */
export const withdrawnOutcome: ChildOutcome = {
  outcome: "interrupted",
  reason: "cancelled",
  response: "",
  output: null,
  error: null,
  spent: noSpending,
  charged: 0,
}

interface Report {
  readonly runId: string
  readonly outcome: ChildOutcome
  readonly at: number
  readonly context?: JsonObject
  readonly channel?: string | null
}

function selectSource({ context, channel }: RunStarted): Pick<Report, "context" | "channel"> {
  return { context, channel }
}

/** Returns the item that reports the end of a run to the parent session: as an answer, or as the end of a task. */
export function reportToParent(
  { sessionId }: SessionParent,
  { runId, outcome, at, context = {}, channel = null }: Report,
): OutboxItem {
  if (isTaskId(runId)) {
    const command = { type: "taskEnd", sessionId, runId, outcome, context, channel, at } as const
    return { id: `taskEnd:${runId}`, kind: "command", payload: { type: "put", command } }
  }
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

function toOutcome(
  end: TerminalEvent,
  { response, ...known }: Pick<ChildOutcome, "response" | "charged" | "toolsUsed">,
): ChildOutcome {
  const { usage, cost } = end
  const shared = { response: truncateResponse(response), spent: { usage, cost }, ...known }
  if (end.type === "runFailed") {
    const error = { code: end.code, message: end.message }
    return { outcome: "failed", reason: null, output: null, error, ...shared }
  }
  const { disposition: outcome, reason, output = null } = end
  return {
    outcome,
    reason,
    output: isLongerAsJson(output, maxResponseCharacters) ? null : output,
    error: null,
    ...shared,
  }
}

/** Returns the amount that an event of the run's last commit adds to its charges. */
function chargeOf(event: Event): Cost {
  return event.type === "messageCompleted" || event.type === "modelCallFailed" ? event.charged : 0
}

function truncateResponse(text: string): string {
  if (text.length <= maxResponseCharacters) return text
  return `${text.slice(0, maxResponseCharacters)}\n[The response is longer and was truncated here.]`
}
