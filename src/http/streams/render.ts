import { endsRun, type LiveEntry } from "../../core/log/entries.ts"
import type { Logger } from "../../core/ports/logger.ts"
import {
  isOfSubAgent,
  isProgress,
  type ProgressBatch,
  type SubAgent,
  type SubAgentBatch,
  type TreeBatch,
} from "../../kernel/sessions/tree/sub-agent.ts"
import type { Folded, Frame, StreamEnd, SubAgentWire, Wire } from "./wire.ts"

/** Renders the stream of one subscriber. */
export interface Viewer {
  /** Returns the text of a batch. Null if it has none for this subscriber. Batches come in order. */
  render(batch: TreeBatch): string | null
  /** Returns the text that follows the last batch. */
  end(end: StreamEnd): string
}

export interface Renderer {
  /** `state` is the state of the subscriber. Default: the one that the wire has at the cursor. */
  viewer(afterSeq: number, state?: unknown): Viewer
  /** Returns the text of frames without a cursor. */
  write(frames: readonly Frame[]): string
  heartbeat(now: number): string
  /** Returns the text of a run that must wait. It has no id, so the subscriber's cursor stays valid. */
  queued(runId: string, position: number): string
}

interface Rendering<State> {
  readonly batch: readonly LiveEntry[]
  readonly before: State
  readonly after: State
  readonly text: string | null
}

/**
 * Renders batches for any number of subscribers. Up-to-date subscribers receive the same batch objects, one after the
 * other, and are in the same state, so the first one's rendering serves all of them. Only the last rendering is worth
 * keeping. A map from batches to renderings took 4 % of a token's CPU time.
 */
export function createRenderer<State>(wire: Wire<State>, logger: Logger): Renderer {
  const shared = new SharedRenderings(wire, logger)
  return {
    // The route of a stream chooses both the wire and the state.
    viewer: (afterSeq, state) => new WireViewer(shared, afterSeq, state as State | undefined),
    write: (frames) => shared.write(frames, null),
    heartbeat: (now) => wire.heartbeat(now),
    queued: (runId, position) => shared.write(wire.queued(runId, position), null),
  }
}

/** A class, because there is a viewer for each idle subscriber. */
class WireViewer<State> implements Viewer {
  readonly #shared: SharedRenderings<State>
  readonly #afterSeq: number
  #state: State
  /** The states of the sub-agents whose end was not shown. Null until one works for the session. */
  #states: Map<SubAgent, State> | null = null

  constructor(shared: SharedRenderings<State>, afterSeq: number, state?: State) {
    this.#shared = shared
    this.#afterSeq = afterSeq
    this.#state = state ?? shared.wire.start(afterSeq)
  }

  render(batch: TreeBatch): string | null {
    if (isProgress(batch) || isOfSubAgent(batch)) return this.#renderOfSubAgent(batch)
    const rendering = this.#shared.render(batch, this.#state, this.#afterSeq)
    this.#state = rendering.after
    return rendering.text
  }

  end(end: StreamEnd): string {
    return this.#shared.write(this.#shared.wire.end(this.#state, end, this.#states ?? new Map()), null)
  }

  #renderOfSubAgent(batch: ProgressBatch | SubAgentBatch): string | null {
    const { wire } = this.#shared
    if (wire.subAgents === null) return null
    if (isProgress(batch)) return this.#shared.write(wire.subAgents.progress(batch.progress), null)
    const { subAgent, entries } = batch
    this.#states ??= new Map()
    if (!this.#states.has(subAgent)) {
      const [state, frames] = wire.subAgents.start(subAgent, this.#state)
      this.#states.set(subAgent, state)
      return this.#shared.write(frames, null)
    }
    const before = this.#states.get(subAgent) as State
    const rendering = this.#shared.renderOfSubAgent(wire.subAgents, subAgent, { entries, before })
    if (endsRun(entries)) this.#states.delete(subAgent)
    else this.#states.set(subAgent, rendering.after)
    return rendering.text
  }
}

/** The last renderings of a wire. */
class SharedRenderings<State> {
  readonly wire: Wire<State>
  readonly #logger: Logger
  #last: Rendering<State> | null = null
  #lastOfSubAgent: Rendering<State> | null = null

  constructor(wire: Wire<State>, logger: Logger) {
    this.wire = wire
    this.#logger = logger
  }

  render(batch: readonly LiveEntry[], before: State, afterSeq: number): Rendering<State> {
    const first = batch[0]
    // Entries before the cursor are folded without being sent, which concerns only this subscriber.
    if (first === undefined || first.seq <= afterSeq) return this.#render(batch, before, afterSeq)
    const last = this.#last
    if (last !== null && this.#serves(last, batch, before)) return last
    this.#last = this.#render(batch, before, afterSeq)
    return this.#last
  }

  renderOfSubAgent(
    wire: SubAgentWire<State>,
    subAgent: SubAgent,
    { entries, before }: { readonly entries: readonly LiveEntry[]; readonly before: State },
  ): Rendering<State> {
    const last = this.#lastOfSubAgent
    if (last !== null && this.#serves(last, entries, before)) return last
    let after = before
    let text = ""
    for (const entry of entries) {
      try {
        const [next, frames] = wire.fold(subAgent, after, entry)
        after = next
        text += this.write(frames, null)
      } catch (error) {
        this.#report(error, entry)
        text += this.write(wire.failure(subAgent), null)
      }
    }
    this.#lastOfSubAgent = { batch: entries, before, after, text: text === "" ? null : text }
    return this.#lastOfSubAgent
  }

  #serves(rendering: Rendering<State>, batch: readonly LiveEntry[], before: State): boolean {
    if (rendering.batch !== batch) return false
    // Subscribers that shared the rendering before have the same object.
    return rendering.before === before || this.wire.isSame(rendering.before, before)
  }

  #render(batch: readonly LiveEntry[], before: State, afterSeq: number): Rendering<State> {
    let after = before
    let text = ""
    for (const entry of batch) {
      const [next, frames] = this.#fold(after, entry)
      after = next
      // A status may have the number of the entry before it, which the client has received with that entry.
      if (entry.kind === "status") text += this.write(frames, null)
      else if (entry.seq > afterSeq) text += this.write(frames, entry.seq)
    }
    return { batch, before, after, text: text === "" ? null : text }
  }

  #fold(state: State, entry: LiveEntry): Folded<State> {
    try {
      return this.wire.fold(state, entry)
    } catch (error) {
      this.#report(error, entry)
      return [state, this.wire.failure()]
    }
  }

  #report(error: unknown, { runId, seq }: LiveEntry): void {
    this.#logger.error(
      { error, wire: this.wire.name, runId, seq },
      "An entry could not be rendered. Its subscribers receive a failure instead.",
    )
  }

  /**
   * Writes frames. Only the last frame has the cursor, because a client that reconnects with it must have received
   * the whole entry.
   */
  write(frames: readonly Frame[], seq: number | null): string {
    const last = frames.length - 1
    let text = ""
    for (let index = 0; index < last; index++) text += this.wire.write(frames[index] ?? "", null)
    return last < 0 ? "" : text + this.wire.write(frames[last] ?? "", seq)
  }
}
