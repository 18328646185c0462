import { isDeepStrictEqual } from "node:util"
import { lost } from "./kinds.ts"
import { all, eventsOf, type Observation, resolutions } from "./observation.ts"

/** Checks that every accepted answer had exactly its own effect. */
export function* checkAnswers(observation: Observation): Iterable<string> {
  const { client, scenario, below } = observation
  // The token of the root session can answer for the sessions below it.
  const events = [observation, ...below].flatMap(eventsOf)
  for (const { toolCallId, body } of client.answers) {
    const [wanted, given] = comparedIn(events, toolCallId, body)
    if (isDeepStrictEqual(wanted, given)) continue
    yield `${lost} the answer ${JSON.stringify(given)} to ${toolCallId} became ${JSON.stringify(wanted)}`
  }
  const asked = all(events, "waitOpened").filter(({ kind }) => kind === "approval").length
  if (scenario === "grant" && asked !== 1) yield `${lost} a grant: it was asked ${asked} times`
}

/** Returns the answers as they are in the log and as they were given. */
function comparedIn(
  events: Parameters<typeof all>[0],
  toolCallId: string,
  body: Readonly<Record<string, unknown>>,
): readonly [wanted: unknown, given: unknown] {
  if ("result" in body) return [resultIn(events, toolCallId), body.result]
  if (!("action" in body)) return [decisionIn(events, toolCallId), decisionOf(body)]
  const { action, content = null } = body
  const resolved = resolutions(events, "elicitation").find((event) => event.toolCallId === toolCallId)
  return [resolved && { ...resolved.resolution }, { action, content }]
}

function decisionOf({ approved, tool_input = null, reason = null }: Readonly<Record<string, unknown>>) {
  return { approved, editedInput: tool_input, reason }
}

function decisionIn(events: Parameters<typeof all>[0], toolCallId: string): unknown {
  const resolved = resolutions(events, "approval").find((event) => event.toolCallId === toolCallId)
  if (resolved === undefined || resolved.decidedBy?.via !== "http") return resolved ?? null
  return { ...resolved.resolution }
}

function resultIn(events: Parameters<typeof all>[0], toolCallId: string): unknown {
  const completed = all(events, "toolCallCompleted").find((event) => event.toolCallId === toolCallId)
  return completed?.result.type === "json" ? completed.result.value : (completed?.result ?? null)
}
