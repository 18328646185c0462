import { repeated } from "./kinds.ts"
import { all, eventsOf, type Observation, resolutions } from "./observation.ts"

/** Tools that start background tasks and collect their results. */
export const toolsOfTasks: readonly string[] = ["run_agent", "get_background_result"]

type Acting = Pick<Observation, "entries" | "effects">

/** Checks that the effects of tools agree with the log. */
export function* checkEffects(observation: Acting): Iterable<string> {
  const events = eventsOf(observation)
  const requested = all(events, "toolCallRequested")
  for (const effect of observation.effects) {
    const started = all(events, "toolCallStarted").some(({ toolCallId }) => toolCallId === effect.toolCallId)
    if (!started) yield `${repeated} ${effect.tool} had an effect without being started: ${effect.toolCallId}`
  }
  for (const { toolCallId, name } of requested) {
    // The effects of these calls belong to the sub-agents.
    if (name === "delegate" || toolsOfTasks.includes(name)) continue
    const effects = observation.effects.filter((effect) => effect.toolCallId === toolCallId)
    const [least, most] = expected(observation, toolCallId)
    if (name === "look_up") {
      if (effects.length < least) yield `look_up ${toolCallId} has a result, but was not executed`
    } else if (effects.length < least || effects.length > most) {
      yield `${repeated} ${name} ${toolCallId} had ${effects.length} effects, not ${least} to ${most}`
    }
    const approval = resolutions(events, "approval").find((event) => event.toolCallId === toolCallId)
    const edited = approval?.resolution.editedInput
    const [effect] = effects
    if (edited && effect && JSON.stringify(effect.input) !== JSON.stringify(edited)) {
      yield `${name} ${toolCallId} was executed with ${JSON.stringify(effect.input)}, not as it was edited`
    }
  }
}

/** Returns the minimum and the maximum number of effects that a call can have had, according to the log. */
function expected(observation: Acting, toolCallId: string): readonly [least: number, most: number] {
  const events = eventsOf(observation).map(({ event }) => event)
  for (const event of events) {
    if (event.type === "toolCallInterrupted" && event.toolCallId === toolCallId) {
      return event.outcome === "unknown" ? [0, 1] : [0, 0]
    }
    if (event.type === "toolCallCompleted" && event.toolCallId === toolCallId) {
      const executed = event.result.type !== "error" && event.executionLocation === "backend"
      return executed ? [1, 1] : [0, 0]
    }
  }
  return [0, 1]
}
