import type { RunSettings } from "../runs/run-settings.ts"
import type { Event } from "./entries.ts"

/** A form of an event that is newer than the first published log version (rule 14, versions). */
export interface NewerForm {
  /** The log version that introduced it. */
  readonly since: number
  /** Returns true for the events that have this form. Default: all events of the type. */
  readonly has?: (event: Event) => boolean
  /**
   * Returns the events as which readers of older versions understand this one: none if they do not need it. Missing if
   * there is no older form. Such an event is written only after all live processes read its version.
   */
  readonly toOlder?: (event: Event) => readonly Event[]
}

export type NewerForms = Partial<Record<Event["type"], NewerForm>>

/** The first published log version. All forms that are not in `newerForms` belong to it. */
export const firstVersion = 3

/** The log version that introduced runs with a call and without a model. */
const directCallVersion = 4

/** A change of an event adds its form here, and raises `logVersion`. */
const newerForms: NewerForms = {
  // An older process would ask the model without a message.
  runStarted: { since: directCallVersion, has: (event) => event.type === "runStarted" && hasCall(event) },
}

/** Returns the version that a process must read to understand the event. */
export function findVersion(event: Event, forms: NewerForms = newerForms): number {
  return findForm(event, forms)?.since ?? firstVersion
}

/** Returns the version that a process must read to start a run from a message with these settings. */
export function findMessageVersion(settings: RunSettings): number {
  return hasCall(settings) ? directCallVersion : firstVersion
}

/** Returns the events as which this one is stored while a live process reads only this version. */
export function toStoredForms(
  event: Event,
  version: number,
  forms: NewerForms = newerForms,
): readonly Event[] {
  const form = findForm(event, forms)
  if (form?.toOlder === undefined || form.since <= version) return [event]
  return form.toOlder(event)
}

function findForm(event: Event, forms: NewerForms): NewerForm | undefined {
  const form = forms[event.type]
  return form?.has?.(event) === false ? undefined : form
}

function hasCall({ call }: RunSettings): boolean {
  return call !== undefined
}
