import { RunSteeredError } from "../../core/errors.ts"
import { estimateJsonSize } from "../../core/json/json-size.ts"
import { type Event, isTerminal, type TerminalEvent } from "../../core/log/entries.ts"
import type { JournalEffects } from "../../core/ports/run/journal.ts"
import type { SteeringMessage } from "../../core/ports/run/steering.ts"
import { type ModelRunContext, record } from "./run-context.ts"

type EndingContext = Parameters<typeof record>[0]

/** Characters of messages after which one commit logs no further message, because it may take one turn (rule 15). */
const commitCharacters = 256 * 1024

/**
 * Logs the messages that wait to join the run. Called between two steps. Messages that arrive meanwhile wait for the
 * next call, so that a client which sends them all the time does not hold up the run.
 */
export async function joinSteering(context: EndingContext): Promise<void> {
  let left = context.steering.waiting()
  while (left.length > 0) {
    const batch = takeSome(left)
    const ids = batch.map(({ id }) => id)
    try {
      await record(context, batch.map(createUserMessageAdded), { join: ids })
    } catch (thrown) {
      if (!(thrown instanceof RunSteeredError)) throw thrown
      // One of them was withdrawn. Those that are left join.
      await context.steering.refresh(context.signal)
      const waiting = new Set(context.steering.waiting().map(({ id }) => id))
      left = left.filter(({ id }) => waiting.has(id))
      continue
    }
    context.steering.joined(ids)
    left = left.slice(batch.length)
  }
}

/** Returns the first messages, as many as one commit logs. */
function takeSome(waiting: readonly SteeringMessage[]): readonly SteeringMessage[] {
  let characters = 0
  const end = waiting.findIndex(({ content }) => {
    const isFull = characters >= commitCharacters
    characters += estimateJsonSize(content)
    return isFull
  })
  return end === -1 ? waiting : waiting.slice(0, end)
}

/**
 * Logs events of which the last may end the run. If a message waits to join the run, the message precedes that end,
 * so that the conversation contains it.
 */
export async function recordEnd(context: EndingContext, events: readonly Event[]): Promise<void> {
  for (;;) {
    try {
      return await recordSteeredEnd(context, events)
    } catch (thrown) {
      if (!(thrown instanceof RunSteeredError)) throw thrown
      await context.steering.refresh(context.signal)
    }
  }
}

/**
 * Acts like `recordEnd`, except that a message that waits to join the run prevents its completion, because the model
 * responds to it.
 */
export async function recordCompletion(context: ModelRunContext, events: readonly Event[]): Promise<void> {
  if (!events.some(isCompletion)) return recordEnd(context, events)
  for (;;) {
    const goesOn = context.steering.waiting().length > 0
    const logged = goesOn ? events.filter((event) => !isTerminal(event)) : events
    try {
      if (logged.length > 0) await record(context, logged)
      return
    } catch (thrown) {
      if (!(thrown instanceof RunSteeredError)) throw thrown
      await context.steering.refresh(context.signal)
    }
  }
}

/**
 * Tries `recordEnd` once. Rejects with `RunSteeredError` if another message has arrived in the meantime, or one was
 * withdrawn.
 */
export async function recordSteeredEnd(
  context: EndingContext,
  events: readonly Event[],
  effects: JournalEffects = {},
): Promise<void> {
  const end = events.findIndex(isTerminal)
  if (end === -1) return record(context, events, effects)
  const isOneCommit = takeSome(context.steering.waiting()).length === context.steering.waiting().length
  if (end === 0 && !isOneCommit) await joinSteering(context)
  const waiting = context.steering.waiting()
  const joined = waiting.map(({ id }) => id)
  await record(
    context,
    [...events.slice(0, end), ...waiting.map(createUserMessageAdded), ...events.slice(end)],
    { ...effects, ...(joined.length > 0 && { join: joined }) },
  )
  context.steering.joined(joined)
}

function isCompletion(event: Event): event is TerminalEvent {
  return event.type === "runCompleted" && event.disposition === "completed"
}

function createUserMessageAdded({ content }: SteeringMessage): Event {
  return { type: "userMessageAdded", content }
}
