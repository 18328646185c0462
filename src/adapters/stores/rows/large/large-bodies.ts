import { isLargeJson } from "../../../../core/json/json-pieces.ts"
import { type EventEntry, logVersion } from "../../../../core/log/entries.ts"
import { toStoredForms } from "../../../../core/log/forms.ts"
import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { type LargeText, writeJson } from "./large-text.ts"

/** The texts of large events. Other events become text when they are written. */
export type LargeBodies = ReadonlyMap<EventEntry, LargeText>

export const noLargeBodies: LargeBodies = new Map()

/**
 * Returns true if the texts of large events must be made before the transaction starts, because a transaction makes
 * no pause.
 */
export function hasLargeEvents(batches: readonly SessionBatch[]): boolean {
  return batches.some(({ entries }) =>
    entries.some((entry) => entry.kind === "event" && isLargeJson(entry.event)),
  )
}

/** Makes the texts of large events in slices, so that the event loop can continue (rule 15). */
export async function makeLargeBodies(
  batches: readonly SessionBatch[],
  write: (value: object, sessionId: string) => Promise<LargeText> = writeJson,
): Promise<LargeBodies> {
  const bodies = new Map<EventEntry, LargeText>()
  for (const { lease, entries, version = logVersion } of batches) {
    for (const entry of entries) {
      if (entry.kind !== "event" || !isLargeJson(entry.event)) continue
      const [form, ...more] = toStoredForms(entry.event, version)
      if (form !== undefined && more.length === 0) bodies.set(entry, await write(form, lease.sessionId))
    }
  }
  return bodies
}
