import { isTerminal, type LiveEntry, type TerminalEvent } from "../../core/log/entries.ts"
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
export interface Wire<State extends WireState = WireState> {
  /** Name of the wire for logs. */
  readonly name: string
  /** Value of the response's `content-type`. */
  readonly contentType: string
  /**
   * Entry from which the state at a cursor can be folded: the start of the step, or of the run, that contains the
   * cursor. A run may be long, so `run` makes each reconnect more expensive.
   */
  readonly replayFrom: ReplayStart
  /** Returns the state of a subscriber that has received everything up to and including `afterSeq`. */
  start(afterSeq: number): State
  /** Folds an entry. A transient entry must not change the state, because no replay contains it. */
  fold(state: State, entry: LiveEntry): readonly [State, readonly Frame[]]
  /** Returns the text of the stream for one frame. With `seq`, the client can continue after that cursor. */
  write(frame: Frame, seq: number | null): string
  /** Returns the text of a heartbeat; `now` is in milliseconds since the Unix epoch. */
  heartbeat(now: number): string
  /**
   * Returns the first frame in the stream of a run that must wait for other runs, or for its time. `position` counts
   * from 1.
   */
  queued(runId: string, position: number): Frame
  /**
   * Returns the frame that precedes the frames of a sub-agent. After a reconnect it comes again, and so do the frames
   * of the sub-agent's last turn. Frames of sub-agents have no cursor.
   */
  subAgentStart(subAgent: SubAgent): Frame
  /** Returns the frame of a background task's progress. The frame has no cursor, and a later one replaces it. */
  taskProgress(progress: TaskProgress): Frame
  /**
   * Returns the frame of a sub-agent's entry, for the subscribers of an ancestor session. The entry is not the end of
   * the sub-agent's run.
   */
  ofSubAgent(frame: Frame, subAgentId: string): Frame
  /** Returns the frame of the end of a sub-agent's run, which is not the end of the stream. */
  subAgentEnd(subAgent: SubAgent, end: SubAgentEnd): Frame
  /** Returns the frame for an entry that could not be rendered. */
  failure(): Frame
}

/** The end of a sub-agent's run. */
export interface SubAgentEnd {
  readonly event: TerminalEvent
  /** Milliseconds from the creation of the sub-agent's session to the end of its run. */
  readonly durationMs: number
}

/** Folds an entry of a sub-agent, for the subscribers of an ancestor session. */
export function foldSubAgent<State extends WireState>(
  wire: Wire<State>,
  subAgent: SubAgent,
  state: State,
  entry: LiveEntry,
): readonly [State, readonly Frame[]] {
  if (entry.kind === "event" && isTerminal(entry.event)) {
    // Two processes may have different clocks.
    const durationMs = Math.max(0, entry.at - subAgent.startedAt)
    return [state, [wire.subAgentEnd(subAgent, { event: entry.event, durationMs })]]
  }
  const [next, frames] = wire.fold(state, entry)
  return [next, frames.map((frame) => wire.ofSubAgent(frame, subAgent.sessionId))]
}

export type ReplayStart = "step" | "run"

/** A primitive, so that states can be compared by `===`. */
export type WireState = string | number | null

/** The text of one event: one line. */
export type Frame = string
