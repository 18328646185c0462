import { toEventId } from "../../../src/core/log/event-id.ts"
import { notedIds } from "../support/deliveries.ts"
import { lost, repeated } from "./kinds.ts"
import { eventsOf, type Observation } from "./observation.ts"

/**
 * Checks that the deliveries to hooks, the outbox and transcripts agree with the log. Everything must arrive, in
 * order, and more than once only after a crash.
 */
export function* checkDeliveries(
  observation: Pick<Observation, "sessionId" | "entries" | "deliveries">,
): Iterable<string> {
  const { hookCalls, notes, transcript } = observation.deliveries
  const events = eventsOf(observation)
  const ids = events.map(({ seq }) => toEventId(observation.sessionId, seq))
  const called = hookCalls.map(({ id }) => id)
  for (const id of ids) if (!called.includes(id)) yield `${lost} the hook was not called for ${id}`
  const firsts = [...new Set(called)]
  if (firsts.some((id, index) => id !== ids[index]))
    yield `the hook was called in another order: ${firsts.join()}`
  for (const id of twiceInOneProcess(hookCalls)) {
    yield `${repeated} one process called the hook twice for ${id}`
  }
  const noted = new Set(notes.map(({ id }) => id))
  for (const id of notedIds(events))
    if (!noted.has(id)) yield `${lost} the outbox item ${id} was not delivered`
  for (const id of noted)
    if (!notedIds(events).includes(id)) yield `${repeated} ${id} was delivered and is not in the log`
  for (const id of twiceInOneProcess(notes)) yield `${repeated} one process delivered ${id} twice`
  if (transcript.includes(null)) yield "the transcript has a torn line"
  const written = [...new Set(transcript)]
  const seqs = events.map(({ seq }) => seq)
  if (JSON.stringify(written) !== JSON.stringify(seqs)) {
    yield `${lost} the transcript has ${written.join()}, not ${seqs.join()}`
  }
}

function twiceInOneProcess(deliveries: Observation["deliveries"]["notes"]): readonly string[] {
  const seen = new Set<string>()
  return deliveries.flatMap(({ id, process }) => {
    const key = `${id} ${process}`
    const isAgain = seen.has(key)
    seen.add(key)
    return isAgain ? [id] : []
  })
}
