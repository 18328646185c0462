import { type EventEntry, isTerminal } from "../../../src/core/log/entries.ts"
import { isEnding } from "../scenarios/scenario.ts"
import { scenarios } from "../scenarios/scenarios.ts"
import { toolsOfTasks } from "./effects.ts"
import { lost, repeated } from "./kinds.ts"
import { all, deltasOf, eventsOf, type Observation } from "./observation.ts"

/**
 * Checks that the log is in order, and that each accepted run started once and ended once with an allowed outcome.
 */
export function* checkRuns(observation: Observation): Iterable<string> {
  const { client, entries, scenario } = observation
  const unordered = entries.find(({ seq }, index) => seq <= (entries[index - 1]?.seq ?? 0))
  if (unordered !== undefined) yield `entry ${unordered.seq} is not after the one before it`

  const events = eventsOf(observation)
  const begun = events.filter(({ event }) => event.type === "runStarted").map(({ runId }) => runId)
  if (client.runs.length !== scenarios[scenario].runs) yield `${client.runs.length} runs were accepted`
  const withdrawn = all(events, "runWithdrawn").map(({ withdrawnRunId }) => withdrawnRunId)
  const taken = client.runs.map(({ runId }) => runId).filter((runId) => !withdrawn.includes(runId))
  if (begun.join() !== taken.join())
    yield `${lost} accepted runs ${taken.join()}, begun ${begun.join()}, withdrawn ${withdrawn.join()}`
  if (new Set(withdrawn).size < withdrawn.length) yield `a run was withdrawn twice: ${withdrawn.join()}`
  for (const runId of withdrawn)
    if (!client.cancelsAsked.has(runId)) yield `${lost} run ${runId} was withdrawn, and nobody asked for that`
  const joined = all(events, "userMessageAdded").map(({ content }) => JSON.stringify(content))
  const steered = client.steered.map((text) => JSON.stringify([{ type: "text", text }]))
  if (joined.join() !== steered.join())
    yield `${lost} accepted messages ${steered.join()} joined a run, logged ${joined.join()}`
  for (const runId of taken) {
    const ofRun = events.filter((entry) => entry.runId === runId)
    yield* checkEnd(ofRun, observation, client.cancelled.has(runId))
    yield* checkCalls(ofRun)
    yield* checkCompactions(ofRun, events)
  }
  yield* checkTexts(observation)
}

function* checkEnd(ofRun: readonly EventEntry[], { scenario }: Observation, cancelled: boolean) {
  const ends = ofRun.map(({ event }) => event).filter(isTerminal)
  const [end] = ends
  if (ends.length !== 1) yield `${lost} run ${ofRun[0]?.runId} has ${ends.length} terminal events`
  if (end === undefined) return
  if (ofRun.at(-1)?.event !== end) yield `something follows the end of run ${ofRun[0]?.runId}`
  if (isEnding(scenarios[scenario].ending, end, cancelled)) return
  yield `${cancelled ? `${lost} an acknowledged cancel: ` : ""}a run ended with ${JSON.stringify(end)}`
}

/**
 * Checks that every call of a finished step was settled once, and that a call that may not be repeated was started
 * once.
 */
export function* checkCalls(ofRun: readonly EventEntry[]): Iterable<string> {
  for (const { toolCallId, name, stepId } of all(ofRun, "toolCallRequested")) {
    const of = <Event extends { readonly toolCallId: string }>(events: readonly Event[]) => {
      return events.filter((event) => event.toolCallId === toolCallId).length
    }
    const settled = of(all(ofRun, "toolCallCompleted")) + of(all(ofRun, "toolCallInterrupted"))
    const over = all(ofRun, "stepCompleted").some((step) => step.stepId === stepId)
    if (settled !== (over ? 1 : 0)) yield `call ${toolCallId} of ${name} was settled ${settled} times`
    const starts = of(all(ofRun, "toolCallStarted"))
    const repeatable = [...["reserve", "look_up", "register", "delegate"], ...toolsOfTasks].includes(name)
    const executions = name === "nap" ? 2 : 1
    if (starts > executions && !repeatable)
      yield `${repeated} call ${toolCallId} of ${name} was started ${starts} times`
    for (const type of ["waitOpened", "waitResolved"] as const) {
      const kinds = all(ofRun, type)
        .filter((wait) => wait.toolCallId === toolCallId)
        .map(({ kind }) => kind)
      const waitsAgain = name === "get_background_result"
      if (new Set(kinds).size < kinds.length && !waitsAgain)
        yield `${type} of ${toolCallId} came twice: ${kinds.join()}`
    }
  }
}

/** Checks that every request for a summary has one end, and that the run's cost includes each of them once. */
function* checkCompactions(ofRun: readonly EventEntry[], ofSession: readonly EventEntry[]): Iterable<string> {
  const ends = [...all(ofRun, "historyCompacted"), ...all(ofRun, "compactionFailed")]
  for (const { compactionId } of all(ofRun, "compactionStarted")) {
    const count = ends.filter((end) => end.compactionId === compactionId).length
    if (count !== 1) yield `${repeated} compaction ${compactionId} has ${count} ends`
  }
  const calls = [...ends, ...all(ofRun, "messageCompleted"), ...all(ofRun, "modelCallFailed")]
  const children = all(ofRun, "waitResolved").flatMap((wait) =>
    wait.kind === "child" ? wait.resolution.spent : [],
  )
  const started = all(ofRun, "taskRegistered").map(({ taskId }) => taskId)
  const endSeq = ofRun.at(-1)?.seq ?? 0
  const tasks = all(
    ofSession.filter(({ seq }) => seq < endSeq),
    "taskEnded",
  ).flatMap(({ taskId, outcome }) => (started.includes(taskId) ? outcome.spent : []))
  const cost = [...calls, ...children, ...tasks].reduce((sum, each) => sum + (each.cost ?? 0), 0)
  const end = ofRun.map(({ event }) => event).find(isTerminal)
  if (end !== undefined && Math.abs((end.cost ?? 0) - cost) > 1e-9)
    yield `a run cost ${end.cost}, but its calls cost ${cost}`
}

/** Checks that the deltas of each streamed message are in the log. */
function* checkTexts(observation: Observation): Iterable<string> {
  const deltas = deltasOf(observation)
  for (const { seq, event } of eventsOf(observation)) {
    if (event.type !== "messageCompleted" || event.streamedFrom === null) continue
    const from = event.streamedFrom
    const streamed = deltas
      .filter((entry) => entry.seq >= from && entry.seq < seq)
      .map(({ delta }) =>
        delta.type === "textDelta" && delta.messageId === event.messageId ? delta.text : "",
      )
      .join("")
    const text = event.message.content.map((part) => (part.type === "text" ? part.text : "")).join("")
    if (streamed !== text) yield `message ${event.messageId} is “${text}”, but “${streamed}” was streamed`
  }
}
