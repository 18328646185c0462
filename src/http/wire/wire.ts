import type { LiveEntry } from "../../core/log/entries.ts"
import type { SubAgent } from "../../sessions/tree/sub-agent.ts"
import type { TaskProgress } from "../../sessions/tree/task-progress.ts"

/**
 * A wire format: the projection of a session's log into a byte stream, as a fold. A route chooses the wire of its
 * streams; nothing else knows which wires there are.
 *
 * A subscriber's state begins with `start` at its cursor. The entries from `replayFrom` up to the cursor are folded
 * silently, their frames dropped, and from there on every entry's frames are sent. What a subscriber is sent depends on
 * nothing but its state and the entries: two subscribers in the same state get the same bytes, rendered once.
 */
export interface Wire<State extends WireState = WireState> {
  /** Name for logs. */
  readonly name: string
  /** Value of the response's `content-type`. */
  readonly contentType: string
  /**
   * Entry from which the state at a cursor can be folded: the start of the step, or of the run, that the cursor lies
   * in. A run may be long, so `run` makes each reconnect more expensive.
   */
  readonly replayFrom: ReplayStart
  /** Returns the state of a subscriber that has everything up to and with `afterSeq`. */
  start(afterSeq: number): State
  /** A transient entry leaves the state as it is, because no replay has it. */
  fold(state: State, entry: LiveEntry): readonly [State, readonly Frame[]]
  /** Returns the text of the stream for one frame. With `seq`, a client that read it can continue after that cursor. */
  write(frame: Frame, seq: number | null): string
  /** Returns the text of the stream that is sent while nothing happens; `now` in milliseconds since the Unix epoch. */
  heartbeat(now: number): string
  /**
   * Returns the frame that comes first in the stream of a run that has to wait for others, or for its time.
   * `position` counts from 1.
   */
  queued(runId: string, position: number): Frame
  /**
   * Returns the frame that comes before those of a sub-agent. When it comes again, after a reconnect, the frames of the
   * sub-agent's last turn come again as well. Frames of sub-agents have no cursor.
   */
  subAgentStart(subAgent: SubAgent): Frame
  /** Returns the frame of a background task's progress. It has no cursor, and a later one replaces it. */
  taskProgress(progress: TaskProgress): Frame
  /** Returns the frame of a sub-agent's entry, for the subscribers of a session above it. */
  ofSubAgent(frame: Frame, subAgentId: string): Frame
  /** Returns the frame that stands for an entry that could not be rendered. */
  failure(): Frame
}

export type ReplayStart = "step" | "run"

/** A primitive, so that states can be compared by `===`. */
export type WireState = string | number | null

/** The text of one event: one line. */
export type Frame = string
