import { isTerminal } from "../../../src/core/log/entries.ts"
import { findOpenWait } from "../../../src/kernel/agent/tools/call-state.ts"
import { conversationOf, eventsOf, type Observation } from "./observation.ts"

/** One process of a round. Times are in milliseconds since the Unix epoch. */
export interface Generation {
  readonly startedAt: number
  readonly readyAt: number | null
  readonly endedAt: number
}

/** Returns the milliseconds from `/ready` of a restarted process until it resumed each of its runs. */
export function resumptions(observation: Observation, generations: readonly Generation[]): readonly number[] {
  const events = eventsOf(observation)
  return generations.slice(1).flatMap(({ startedAt, readyAt, endedAt }) => {
    const before = events.filter(({ at }) => at < startedAt)
    if (readyAt === null || !mustResume(observation, before.length, startedAt)) return []
    const first = events.find(({ at }) => at >= startedAt)
    // The process died before it resumed the run.
    if (first === undefined || first.at > endedAt) return []
    return [Math.max(0, first.at - readyAt)]
  })
}

/** Returns true if, at this entry of the log, a run has work to do and is not only waiting. */
function mustResume(observation: Observation, count: number, at: number): boolean {
  const { client } = observation
  const before = eventsOf(observation).slice(0, count)
  const begun = before.filter(
    ({ event }) => event.type === "runStarted" || event.type === "runWithdrawn",
  ).length
  const { run } = conversationOf(before)
  // A queued run waits for the open one.
  if (run === null) return client.runs.filter((accepted) => accepted.at < at).length > begun
  if (run.phase.type !== "settling") return true
  const open = [...run.phase.calls.values()].filter(({ state }) => state !== "settled")
  const answered = client.answers.filter((answer) => answer.at < at).map(({ toolCallId }) => toolCallId)
  return (
    open.length === 0 ||
    open.some((call) => findOpenWait(call) === null || answered.includes(call.requested.toolCallId))
  )
}

/** Returns the number of runs that one process accepted and another one ended. */
export function recovered(observation: Observation, generations: readonly Generation[]): number {
  const events = eventsOf(observation)
  return observation.client.runs.filter(({ runId, at }) => {
    const end = events.find((entry) => entry.runId === runId && isTerminal(entry.event))
    const begin = Math.min(at, events.find((entry) => entry.runId === runId)?.at ?? at)
    return generations.some(({ endedAt }) => end !== undefined && begin < endedAt && end.at > endedAt)
  }).length
}
