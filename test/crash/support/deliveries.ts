import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { EventEntry } from "../../../src/core/log/entries.ts"
import { isTerminal } from "../../../src/core/log/entries.ts"
import { toEventId } from "../../../src/core/log/event-id.ts"
import { patienceMs } from "../../patience.ts"
import { linesOf } from "./effects.ts"

/** One call of the hook, or one delivery of an outbox item. */
export interface Delivery {
  readonly sessionId: string
  /** Id of the event or the item. */
  readonly id: string
  /** Id of the process that made the delivery. */
  readonly process: number
}

/** Deliveries for the events of one session. */
export interface Deliveries {
  readonly hookCalls: readonly Delivery[]
  readonly notes: readonly Delivery[]
  /** Sequence numbers in the session's transcript, one for each line. Null for a line that is not JSON. */
  readonly transcript: readonly (number | null)[]
}

/**
 * Waits until each event and each run's end was delivered, but at most for `patienceMs`. A delivery that is missing
 * then is lost.
 */
export async function deliveriesOf(
  folder: string,
  sessionId: string,
  events: readonly EventEntry[],
): Promise<Deliveries> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const deliveries = await deliveriesIn(folder, sessionId)
    if (isComplete(deliveries, sessionId, events) || performance.now() > deadline) return deliveries
    await delay(50)
  }
}

/** Returns the ids of the items that the session's runs wrote to the outbox. */
export function notedIds(events: readonly EventEntry[]): readonly string[] {
  return events.filter(({ event }) => isTerminal(event)).map(({ runId }) => `end:${runId}`)
}

function isComplete(
  { hookCalls, notes, transcript }: Deliveries,
  sessionId: string,
  events: readonly EventEntry[],
): boolean {
  const called = new Set(hookCalls.map(({ id }) => id))
  const noted = new Set(notes.map(({ id }) => id))
  const written = new Set(transcript)
  return (
    notedIds(events).every((id) => noted.has(id)) &&
    events.every(({ seq }) => called.has(toEventId(sessionId, seq)) && written.has(seq))
  )
}

async function deliveriesIn(folder: string, sessionId: string): Promise<Deliveries> {
  const of = async (file: string) =>
    (await linesOf(folder, file))
      .map((line) => JSON.parse(line) as Delivery)
      .filter((each) => each.sessionId === sessionId)
  const [hookCalls, notes] = await Promise.all([of("hooks.jsonl"), of("notes.jsonl")])
  return { hookCalls, notes, transcript: await transcriptOf(join(folder, "transcripts"), sessionId) }
}

async function transcriptOf(folder: string, sessionId: string): Promise<readonly (number | null)[]> {
  const names: readonly string[] = await readdir(folder).catch(() => [])
  if (!names.includes(`${sessionId}.jsonl`)) return []
  const text = await readFile(join(folder, `${sessionId}.jsonl`), "utf8")
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      try {
        return (JSON.parse(line) as { readonly seq: number }).seq
      } catch {
        return null
      }
    })
}
