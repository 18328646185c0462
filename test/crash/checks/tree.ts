import { isDeepStrictEqual } from "node:util"
import {
  type EventEntry,
  isTerminal,
  type TerminalEvent,
  type WaitOpened,
} from "../../../src/core/log/entries.ts"
import { budgetUsd } from "../scenarios/responses.ts"
import { checkDeliveries } from "./deliveries.ts"
import { checkEffects } from "./effects.ts"
import { lost, repeated } from "./kinds.ts"
import { all, eventsOf, type Observation, type ObservedChild, resolutions } from "./observation.ts"
import { checkCalls } from "./runs.ts"

type ChildWait = Extract<WaitOpened, { kind: "child" }>

/**
 * Checks that each call for a sub-agent received one sub-agent and its outcome once, and that all sub-agents ended.
 */
export function* checkTree(observation: Observation): Iterable<string> {
  const { below, scenario } = observation
  const sessions = [observation, ...below]
  const waits = sessions.flatMap((session) => childWaits(eventsOf(session)))
  const tasks = sessions.flatMap((session) => all(eventsOf(session), "taskRegistered"))
  for (const { sessionId, parent } of below) {
    const wait = waits.find(({ payload }) => payload.sessionId === sessionId)
    const task = tasks.find((each) => each.sessionId === sessionId)
    if (wait === undefined && task?.toolCallId === parent.toolCallId) continue
    if (wait === undefined) yield `${repeated} ${sessionId} works for no call`
    else if (wait.toolCallId !== parent.toolCallId) yield `${sessionId} works for another call`
  }
  for (const session of sessions) yield* checkAnswers(eventsOf(session), below)
  for (const session of sessions) yield* checkTasks(eventsOf(session))
  for (const child of below) yield* checkChild(child)
  const opened = sessions.flatMap((session) => all(eventsOf(session), "waitOpened"))
  const asked = opened.filter(({ kind }) => kind === "approval").length
  if (scenario === "treeGrant" && asked !== 1)
    yield `${lost} a grant of the tree: it was asked ${asked} times`
}

function* checkChild(child: ObservedChild): Iterable<string> {
  const of = `[sub-agent ${child.sessionId}]`
  const events = eventsOf(child)
  const begun = all(events, "runStarted").length
  const ends = all(events, "runWithdrawn").length + events.filter(({ event }) => isTerminal(event)).length
  if (begun > 1) yield `${repeated} it began ${begun} times ${of}`
  if (ends !== 1) yield `${lost} it has ${ends} ends ${of}`
  for (const found of [...checkCalls(events), ...checkEffects(child), ...checkDeliveries(child)])
    yield `${found} ${of}`
}

/** Checks that each background task ended once, with its own session, and was collected once. */
function* checkTasks(events: readonly EventEntry[]): Iterable<string> {
  const ended = all(events, "taskEnded").map(({ taskId }) => taskId)
  const collected = all(events, "tasksCollected").flatMap(({ taskIds }) => taskIds)
  for (const { taskId } of all(events, "taskRegistered")) {
    const ends = ended.filter((each) => each === taskId).length
    const collections = collected.filter((each) => each === taskId).length
    if (ends !== 1) yield `${ends === 0 ? lost : repeated} ${taskId} ended ${ends} times`
    if (collections !== 1)
      yield `${collections === 0 ? lost : repeated} ${taskId} was collected ${collections} times`
  }
}

/**
 * Checks that the answers for a run's sub-agents match the outcomes of the sub-agents, which stay within the run's
 * budget.
 */
function* checkAnswers(events: readonly EventEntry[], below: readonly ObservedChild[]): Iterable<string> {
  const answers = resolutions(events, "child")
  const isCanceled = all(events, "runCompleted").some(({ reason }) => reason === "cancelled")
  for (const { waitId, payload } of childWaits(events)) {
    const given = answers.filter((answer) => answer.waitId === waitId)
    if (given.length > 1) yield `${repeated} ${waitId} was answered ${given.length} times`
    if (given.length === 0 && !isCanceled) yield `${lost} ${waitId} was not answered`
    const [answer] = given
    const child = below.find(({ sessionId }) => sessionId === payload.sessionId)
    const end = child && endOf(child)
    if (answer === undefined || end === undefined || answer.decidedBy === null) continue
    const { outcome, spent } = answer.resolution
    const wanted = end.type === "runFailed" ? "failed" : end.disposition
    if (outcome !== wanted) yield `${waitId} received ${outcome}, but its sub-agent ended as ${wanted}`
    if (!isDeepStrictEqual(spent.usage, end.usage)) yield `${waitId} received another usage`
  }
  yield* checkBudget(events)
}

/** Checks that spending plus reservations for open sub-agents never exceeds the budget. */
function* checkBudget(events: readonly EventEntry[]): Iterable<string> {
  const reserved = new Map<string, number>()
  let spent = 0
  for (const { event } of events) {
    if (event.type === "messageCompleted" || event.type === "modelCallFailed") spent += event.charged ?? 0
    if (event.type === "waitOpened" && event.kind === "child")
      reserved.set(event.waitId, event.payload.reservedUsd ?? 0)
    if (event.type === "waitResolved" && event.kind === "child") {
      reserved.delete(event.waitId)
      spent += event.resolution.charged ?? 0
    }
    const total = [...reserved.values()].reduce((sum, amount) => sum + amount, spent)
    if (reserved.size > 0 && total > budgetUsd * 1.000_001)
      yield `${total} dollars of ${budgetUsd} are spent or reserved`
  }
}

function childWaits(events: readonly EventEntry[]): readonly ChildWait[] {
  return all(events, "waitOpened").filter((wait): wait is ChildWait => wait.kind === "child")
}

function endOf(child: ObservedChild): TerminalEvent | undefined {
  return eventsOf(child)
    .map(({ event }) => event)
    .find(isTerminal)
}
