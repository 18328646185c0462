import { delayedByStore } from "../../../src/kernel/sessions/writing/delay-notice.ts"
import type { ChatEvent } from "../../../src/wires/native/schemas/events.ts"
import type { Sighting, Viewer } from "../support/viewer.ts"
import { all, eventsOf, type Observation } from "./observation.ts"

/** Checks that every id means the same for all viewers, that ids grow, and that every viewer received everything. */
export function* checkViewers(observation: Observation): Iterable<string> {
  const { client, reread } = observation
  const lasting = new Map(reread.sightings.map((sighting) => [sighting.id, sighting]))
  const events = new Map(eventsOf(observation).map((entry) => [entry.seq, entry]))
  for (const viewer of [...client.viewers, reread]) {
    yield* checkOrder(viewer)
    const seen = new Set<number>()
    for (const sighting of viewer.sightings) {
      seen.add(sighting.id)
      const still = lasting.get(sighting.id)
      // For viewers of the run, its withdrawal is its end.
      if (events.get(sighting.id)?.event.type === "runWithdrawn") continue
      if (still !== undefined && storedData(still).join("\n") !== storedData(sighting).join("\n")) {
        yield `id ${sighting.id} was ${sighting.data.join()}, and is ${still.data.join()}`
      }
      if (still === undefined && !sighting.events.every(isLive))
        yield `id ${sighting.id} is gone: ${sighting.data}`
    }
    const last = viewer.lastId
    const shows = (id: number) => viewer.runId === undefined || events.get(id)?.runId === viewer.runId
    const missed = reread.sightings.find(({ id }) => {
      return id > viewer.after && id <= last && !seen.has(id) && shows(id)
    })
    if (missed !== undefined) yield `a viewer was not shown ${missed.id}: ${missed.data}`
  }
  yield* checkTexts(observation)
}

function* checkOrder({ sightings }: Viewer): Iterable<string> {
  const unordered = sightings.find(({ id }, index) => id <= (sightings[index - 1]?.id ?? 0))
  if (unordered !== undefined) yield `a viewer saw id ${unordered.id} after a larger one`
}

/** Returns what is in the log. Viewers are told of a slow store at once, and the log does not have it. */
function storedData({ data, events }: Sighting): readonly string[] {
  return data.filter((_, index) => {
    const event = events[index]
    return event?.type !== "status" || event.message !== delayedByStore
  })
}

/** Returns true for events that are sent before they are stored. They are discarded if the process dies. */
function isLive({ type }: ChatEvent): boolean {
  return type === "text_delta" || type === "tool_output_chunk"
}

/** Checks that a viewer that applies `stream_retry` has exactly the messages of the log, step by step. */
function* checkTexts(observation: Observation): Iterable<string> {
  const events = eventsOf(observation)
  const finished = new Set(all(events, "stepCompleted").map(({ stepId }) => stepId))
  for (const viewer of [...observation.client.viewers, observation.reread]) {
    const texts = all(
      events.filter(({ runId }) => viewer.runId === undefined || runId === viewer.runId),
      "messageCompleted",
    )
      .filter(({ stepId }) => finished.has(stepId))
      .map(({ message }) => message.content.map((part) => (part.type === "text" ? part.text : "")).join(""))
    const shown = textsOf(viewer.sightings)
    const offset = viewer.after === 0 ? 0 : texts.length - shown.length
    const wanted = offset === 0 ? texts.slice(0, shown.length) : texts.slice(offset)
    if (shown.join("|") !== wanted.join("|"))
      yield `a viewer was shown “${shown.join("|")}”, not “${wanted.join("|")}”`
  }
}

function textsOf(sightings: readonly Sighting[]): readonly string[] {
  const texts: string[] = []
  let text = ""
  for (const event of sightings.flatMap(({ events }) => events)) {
    if (event.type === "text_delta") text += event.text
    if (event.type === "turn_complete") texts.push(text)
    if (["stream_retry", "turn_complete", "stream_complete", "error"].includes(event.type)) text = ""
  }
  return texts
}
