import { isLargeJson, stringifyInSlices } from "../../core/json/json-pieces.ts"
import { storedForms } from "../../core/log/downcast.ts"
import { type EventEntry, logVersion } from "../../core/log/entries.ts"
import type { SessionBatch } from "../../core/ports/session-log.ts"

/** The texts that large events are stored as. Other events become text when they are written. */
export type LargeBodies = ReadonlyMap<EventEntry, string>

export const noLargeBodies: LargeBodies = new Map()

/** If true, the texts of large events have to be made before the transaction begins: it makes no pause. */
export function haveLargeEvents(batches: readonly SessionBatch[]): boolean {
  return batches.some(({ entries }) =>
    entries.some((entry) => entry.kind === "event" && isLargeJson(entry.event)),
  )
}

/** Makes the texts of large events in slices, so that the event loop goes on (rule 15). */
export async function largeBodies(batches: readonly SessionBatch[]): Promise<LargeBodies> {
  const bodies = new Map<EventEntry, string>()
  for (const { entries, version = logVersion } of batches) {
    for (const entry of entries) {
      if (entry.kind !== "event" || !isLargeJson(entry.event)) continue
      const [form, ...more] = storedForms(entry.event, version)
      if (form !== undefined && more.length === 0) bodies.set(entry, await stringifyInSlices(form))
    }
  }
  return bodies
}
