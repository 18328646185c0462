import type { StoredCommand } from "../ports/store/session-log.ts"
import type { Event } from "./entries.ts"

/** A form of an event that is newer than the first published log version (rule 14, versions). */
export interface NewerForm {
  /** The log version that introduced it. */
  readonly since: number
  /**
   * Returns the events as which readers of older versions understand this one: none if they do not need it. Missing if
   * there is no older form. Such an event is written only after all live processes read its version.
   */
  readonly toOlder?: (event: Event) => readonly Event[]
}

export type NewerForms = Partial<Record<Event["type"], NewerForm>>

/** The first published log version. All events that are not in `newerForms` belong to it. */
export const firstVersion = 3

/** A change of an event adds its form here, and raises `logVersion`. */
const newerForms: NewerForms = { historyForked: { since: 4 } }

/** Returns the version that a process must read to understand the command. */
export function findCommandVersion(command: StoredCommand): number {
  return command.type === "message" && command.supersede !== undefined ? 4 : firstVersion
}

/** Returns the version that a process must read to understand the event. */
export function findVersion({ type }: Event, forms: NewerForms = newerForms): number {
  return forms[type]?.since ?? firstVersion
}

/** Returns the events as which this one is stored while a live process reads only this version. */
export function toStoredForms(
  event: Event,
  version: number,
  forms: NewerForms = newerForms,
): readonly Event[] {
  const form = forms[event.type]
  if (form?.toOlder === undefined || form.since <= version) return [event]
  return form.toOlder(event)
}
