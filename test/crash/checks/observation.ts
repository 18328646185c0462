import type { DeltaEntry, Entry, Event, EventEntry, WaitResolved } from "../../../src/core/log/entries.ts"
import type { SessionParent } from "../../../src/core/ports/store/session-log.ts"
import type { WaitKind } from "../../../src/core/wait.ts"
import { Conversation } from "../../../src/kernel/agent/conversation.ts"
import type { ScenarioName } from "../scenarios/scenarios.ts"
import type { Deliveries } from "../support/deliveries.ts"
import type { Effect } from "../support/effects.ts"
import type { SessionClient } from "../support/session-client.ts"
import type { Viewer } from "../support/viewer.ts"

/** Everything that is known about a session after its end. */
export interface Observation {
  readonly scenario: ScenarioName
  readonly client: SessionClient
  readonly sessionId: string
  /** Entries of the session, as read from the store. */
  readonly entries: readonly Entry[]
  /** A viewer that subscribes after the end. */
  readonly reread: Viewer
  /** Request bodies of the session's model calls, in order. */
  readonly modelCalls: readonly unknown[]
  /** Effects of the session's tool calls. */
  readonly effects: readonly Effect[]
  readonly deliveries: Deliveries
  /** The sessions below it, at every depth. */
  readonly below: readonly ObservedChild[]
}

/** The observed parts of a session that works for a call of another session. */
export type ObservedChild = Pick<Observation, "sessionId" | "entries" | "effects" | "deliveries"> & {
  readonly parent: SessionParent
}

/** Yields violations, one line each. Yields nothing if all guarantees hold. */
export type Check = (observation: Observation) => Iterable<string>

export function eventsOf({ entries }: Pick<Observation, "entries">): readonly EventEntry[] {
  return entries.filter((entry) => entry.kind === "event")
}

export function deltasOf({ entries }: Pick<Observation, "entries">): readonly DeltaEntry[] {
  return entries.filter((entry) => entry.kind === "delta")
}

/** Returns the events of one type without their entries. */
export function all<Type extends Event["type"]>(
  entries: readonly EventEntry[],
  type: Type,
): readonly Extract<Event, { type: Type }>[] {
  return entries
    .map(({ event }) => event)
    .filter((event): event is Extract<Event, { type: Type }> => event.type === type)
}

/** Returns the resolutions of waits of one kind. */
export function resolutions<Kind extends WaitKind>(
  entries: readonly EventEntry[],
  kind: Kind,
): readonly Extract<WaitResolved, { kind: Kind }>[] {
  return all(entries, "waitResolved").filter(
    (event): event is Extract<WaitResolved, { kind: Kind }> => event.kind === kind,
  )
}

export function conversationOf(entries: readonly EventEntry[]): Conversation {
  const conversation = new Conversation()
  for (const entry of entries) conversation.apply(entry)
  return conversation
}
