import type { Entry } from "../../core/entries.ts"

/**
 * A wire format: the projection of a session's log into frames, as a fold.
 *
 * A viewer's state begins with `start` at its cursor. The entries from the start of the step that the cursor lies in
 * are folded silently, their frames dropped, and from there on every entry's frames are sent. What a viewer is sent
 * depends on nothing but its state and the entries: two viewers in the same state get the same bytes, rendered once.
 */
export interface Wire<State extends WireState> {
  /** Of a viewer that has everything up to and with `afterSeq`. */
  start(afterSeq: number): State
  fold(state: State, entry: Entry): readonly [State, readonly Frame[]]
  /** Sent while nothing happens; `now` in milliseconds since the Unix epoch. */
  heartbeat(now: number): Frame
  /** Comes first in the stream of a run that has to wait for others, or for its time. `position` counts from 1. */
  queued(runId: string, position: number): Frame
  /** In place of an entry that could not be rendered. */
  failure(): Frame
}

/** A primitive, so that states can be compared by `===`. */
export type WireState = string | number | null

/** The JSON text of one event: one line. */
export type Frame = string
