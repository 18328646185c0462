import type { LiveEntry } from "../../core/log/entries.ts"
import type { ParkedWait } from "../../kernel/sessions/reading/view-end.ts"
import type { SubAgent } from "../../kernel/sessions/tree/sub-agent.ts"
import type { TaskProgress } from "../../kernel/sessions/tree/task-progress.ts"

/**
 * A wire format: a fold that projects a session's log onto a byte stream. A route selects the wire of its streams. No
 * other code knows the wires.
 *
 * A subscriber's state is `start` at its cursor. The entries from `replayFrom` to the cursor are folded without
 * sending their frames. The frames of all later entries are sent. The frames depend only on the state and the
 * entries, so two subscribers in the same state receive the same bytes, which are rendered once.
 */
export interface Wire<State = unknown> {
  /** Name of the wire for logs. */
  readonly name: string
  /** Value of the response's `content-type`. */
  readonly contentType: string
  /**
   * Entry from which the state at a cursor can be folded: the start of the step, or of the run, that contains the
   * cursor. A run may be long, so `run` makes each reconnect more expensive.
   */
  readonly replayFrom: ReplayStart
  /**
   * If true, a stream ends when its run can only wait for people or for the client, and the next request continues it.
   * If false, it stays open meanwhile.
   */
  readonly endsWhenParked: boolean
  /** Returns the state of a subscriber that has received everything up to and including `afterSeq`. */
  start(afterSeq: number): State
  /**
   * Returns true if subscribers in these states receive the same bytes. States that were reached on different ways
   * must count as the same, because each subscriber would otherwise be rendered for itself.
   */
  isSame(one: State, other: State): boolean
  /**
   * Folds an entry into a new state. The given state must not change, because other subscribers may be in it. A
   * transient entry must not lead to another state, because no replay contains it.
   */
  fold(state: State, entry: LiveEntry): Folded<State>
  /**
   * Returns the last frames of a stream. Without them, a client must not take the response for a whole one: if the
   * stream ends for another reason, its connection is destroyed. `subAgents` has the states of the sub-agents whose end
   * was not shown.
   */
  end(state: State, end: StreamEnd, subAgents: ReadonlyMap<SubAgent, State>): readonly Frame[]
  /** Returns the text of the stream for one frame. With `seq`, the client can continue after that cursor. */
  write(frame: Frame, seq: number | null): string
  /** Returns the text of a heartbeat; `now` is in milliseconds since the Unix epoch. */
  heartbeat(now: number): string
  /**
   * Returns the first frames in the stream of a run that must wait for other runs, or for its time. `position` counts
   * from 1.
   */
  queued(runId: string, position: number): readonly Frame[]
  /** Returns the frames for an entry that could not be rendered. */
  failure(): readonly Frame[]
  /** The part of the wire for sub-agents and background tasks. Null if the protocol has no place for them. */
  readonly subAgents: SubAgentWire<State> | null
}

/** Frames of the sessions below the viewed one. They have no cursor. */
export interface SubAgentWire<State> {
  /**
   * Returns a sub-agent's own state before its first entry, and the frames that precede its frames. `state` is that of
   * the viewed session. After a reconnect they come again, and so do the frames of the sub-agent's last turn.
   */
  start(subAgent: SubAgent, state: State): Folded<State>
  /** Folds an entry of a sub-agent. */
  fold(subAgent: SubAgent, state: State, entry: LiveEntry): Folded<State>
  /** Returns the frames of a background task's progress. Later ones replace them. */
  progress(progress: TaskProgress): readonly Frame[]
  /** Returns the frames for an entry of a sub-agent that could not be rendered. */
  failure(subAgent: SubAgent): readonly Frame[]
}

/** The next state, and the frames of the entry. */
export type Folded<State> = readonly [State, readonly Frame[]]

/** The end of a stream that has shown everything. */
export type StreamEnd =
  | { readonly type: "complete" }
  /** The run can only wait for people or for the client. The open waits are those of the run and its sub-agents. */
  | { readonly type: "parked"; readonly waits: readonly ParkedWait[] }

export type ReplayStart = "step" | "run"

/** The text of one event, in a form that only the wire knows. Usually one line of JSON. */
export type Frame = string
