import { Conversation } from "../../../src/agent/conversation.ts"
import type { DeltaEntry, Entry, Event, EventEntry, WaitResolved } from "../../../src/core/log/entries.ts"
import type { SessionParent } from "../../../src/core/ports/session-log.ts"
import type { WaitKind } from "../../../src/core/wait.ts"
import type { ScenarioName } from "../scenarios/scenarios.ts"
import type { Deliveries } from "../support/deliveries.ts"
import type { Effect } from "../support/effects.ts"
import type { SessionClient } from "../support/session-client.ts"
import type { Viewer } from "../support/viewer.ts"

/** All that is known of one session when it is over. */
export interface Observation {
  readonly scenario: ScenarioName
  readonly client: SessionClient
  readonly sessionId: string
  /** The store's log, by its port. */
  readonly entries: readonly Entry[]
  /** A viewer that comes when all is over. */
  readonly reread: Viewer
  /** Bodies of its model calls, in order. */
  readonly modelCalls: readonly unknown[]
  /** Effects of its tool calls. */
  readonly effects: readonly Effect[]
  readonly deliveries: Deliveries
  /** The sessions below it, at every depth. */
  readonly below: readonly ObservedChild[]
}

/** The observed parts of a session that works for another one's call. */
export type ObservedChild = Pick<Observation, "sessionId" | "entries" | "effects" | "deliveries"> & {
  readonly parent: SessionParent
}

/** Says what is wrong, one line each; nothing when all is as promised. */
export type Check = (observation: Observation) => Iterable<string>

export function eventsOf({ entries }: Pick<Observation, "entries">): readonly EventEntry[] {
  return entries.filter((entry) => entry.kind === "event")
}

export function deltasOf({ entries }: Pick<Observation, "entries">): readonly DeltaEntry[] {
  return entries.filter((entry) => entry.kind === "delta")
}

/** The events of one type, without their entries. */
export function all<Type extends Event["type"]>(
  entries: readonly EventEntry[],
  type: Type,
): readonly Extract<Event, { type: Type }>[] {
  return entries
    .map(({ event }) => event)
    .filter((event): event is Extract<Event, { type: Type }> => event.type === type)
}

/** The ends of waits of one kind. */
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
