import { type Block, blocksOf, isSummary } from "../support/model.ts"
import { all, eventsOf, type Observation } from "./observation.ts"

/** Checks that every process sends the model the same history, and reports calls with an unknown outcome to it. */
export function* checkModelCalls(observation: Observation): Iterable<string> {
  const conversations = observation.modelCalls.map((body) => blocksOf(body).filter((block) => !isNote(block)))
  for (const [index, conversation] of conversations.entries()) {
    // After a compaction, the conversation starts with a summary, and long results may be truncated.
    // A message that takes the place of a run continues an earlier part of the conversation.
    const isNew = ["shorten", "supersede"].includes(observation.scenario) || isSummary(conversation[0])
    const before = isNew ? [] : (conversations[index - 1] ?? [])
    const changed = before.findIndex(
      (block, at) => JSON.stringify(block) !== JSON.stringify(conversation[at]),
    )
    if (changed !== -1) yield `what a model was told changed: ${JSON.stringify(before[changed])}`
    yield* checkResults(conversation)
  }
  const last = conversations.at(-1) ?? []
  if (observation.scenario === "supersede" && last.length !== 1)
    yield `the model was told of superseded runs: ${JSON.stringify(last)}`
  const events = eventsOf(observation)
  for (const { toolCallId, reason } of all(events, "toolCallInterrupted")) {
    if (reason !== "crashed") continue
    const told = last.some(({ block }) => block.type === "tool_result" && saysUnknown(block))
    if (!told && !wasCancelled(observation))
      yield `the model was not told that ${toolCallId} may have had its effect`
  }
}

/** Returns true for the gateway's note about tasks. The note is not part of the history. */
function isNote({ block }: Block): boolean {
  return String(block.text ?? "").startsWith("[Note of the gateway")
}

/** Checks that each call of the conversation has exactly one result, as every provider requires. */
function* checkResults(conversation: readonly Block[]): Iterable<string> {
  const calls = conversation.filter(({ block }) => block.type === "tool_use").map(({ block }) => block.id)
  const results = conversation
    .filter(({ block }) => block.type === "tool_result")
    .map(({ block }) => block.tool_use_id)
  if (calls.toSorted().join() !== results.toSorted().join())
    yield `calls ${calls.join()} have results ${results.join()}`
}

function saysUnknown({ content, is_error }: Block["block"]): boolean {
  return is_error === true && JSON.stringify(content).includes("may or may not have taken effect")
}

function wasCancelled({ entries }: Observation): boolean {
  return all(eventsOf({ entries }), "runCompleted").some(({ reason }) => reason === "cancelled")
}
