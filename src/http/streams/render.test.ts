import { describe, expect, it } from "vitest"
import type { Entry, EventEntry } from "../../core/log/entries.ts"
import type { SubAgent } from "../../kernel/sessions/tree/sub-agent.ts"
import type { TaskProgress } from "../../kernel/sessions/tree/task-progress.ts"
import { nativeWire } from "../../wires/native/fold/native-wire.ts"
import { usage } from "../fixtures/entries.ts"
import { parseFrames } from "../fixtures/frames.ts"
import { createCollectingLogger, type LoggedLine } from "../fixtures/test-app.ts"
import { createRenderer } from "./render.ts"
import { formatServerSentEvent } from "./server-sent-events.ts"
import type { SubAgentEnd, Wire } from "./wire.ts"

/** A wire that sends each word of a delta's text as one frame, and counts its calls. */
class CountingWire implements Wire<string> {
  readonly name = "counting"
  readonly contentType = "text/event-stream"
  readonly replayFrom = "step"
  readonly write = formatServerSentEvent
  folds = 0

  start(afterSeq: number): string {
    return afterSeq === 99 ? "odd" : "even"
  }

  fold(state: string, entry: Entry): readonly [string, readonly string[]] {
    this.folds++
    const words = entry.kind === "delta" ? entry.delta.text.split(" ").filter(Boolean) : []
    if (words.includes("boom")) throw new Error("cannot")
    return [state, words.map((word) => JSON.stringify({ word }))]
  }

  heartbeat(now: number): string {
    return formatServerSentEvent(JSON.stringify({ now }), null)
  }

  queued(runId: string, position: number): string {
    return JSON.stringify({ runId, position })
  }

  subAgentStart({ sessionId }: SubAgent): string {
    return JSON.stringify({ word: `start of ${sessionId}` })
  }

  taskProgress({ turn }: TaskProgress): string {
    return JSON.stringify({ word: `turn ${turn}` })
  }

  ofSubAgent(frame: string, subAgentId: string): string {
    return JSON.stringify({ word: `${JSON.parse(frame).word} of ${subAgentId}` })
  }

  subAgentEnd({ sessionId }: SubAgent, { durationMs }: SubAgentEnd): string {
    return JSON.stringify({ word: `end of ${sessionId} after ${durationMs} ms` })
  }

  failure(): string {
    return JSON.stringify({ word: "failure" })
  }
}

function setup() {
  const wire = new CountingWire()
  const errors: LoggedLine[] = []
  const renderer = createRenderer(wire, createCollectingLogger(errors))
  return { wire, errors, renderer }
}

function batch(from: number, ...texts: readonly string[]): readonly Entry[] {
  return texts.map((text, index) => {
    const delta = { type: "textDelta", stepId: "step_1", messageId: "msg_1", part: 0, text } as const
    return { kind: "delta", seq: from + index, runId: "run_1", delta }
  })
}

function subAgent(sessionId: string): SubAgent {
  return {
    ...{ sessionId, runId: "run_1", name: "worker", parentSessionId: "sess_root", toolCallId: "call_1" },
    ...{ isDirect: true, taskId: null, afterSeq: 0, turn: 1, startedAt: 1_000 },
  }
}

function shown(text: string | null) {
  return parseFrames(text ?? "").map(({ id, data }) => [id, data.word])
}

describe("rendering", () => {
  it("gives the id to the last frame of an entry alone", () => {
    const { renderer } = setup()
    expect(shown(renderer.viewer(0)(batch(1, "one two", "three")))).toEqual([
      [null, "one"],
      ["1", "two"],
      ["2", "three"],
    ])
  })

  it("joins the frames of a batch into one piece, and yields nothing for an empty batch", () => {
    const { renderer } = setup()
    const view = renderer.viewer(0)
    expect(view(batch(1, "one", "two"))).toBe(
      'id: 1\ndata: {"word":"one"}\n\nid: 2\ndata: {"word":"two"}\n\n',
    )
    expect(view(batch(3, "", ""))).toBeNull()
    expect(view([])).toBeNull()
  })

  it("is done once for any number of viewers in the same state", () => {
    const { wire, renderer } = setup()
    const viewers = Array.from({ length: 100 }, (_, index) => renderer.viewer(index % 5))
    const one = batch(10, "one", "two")
    const pieces = viewers.map((view) => view(one))
    expect(wire.folds).toBe(2)
    expect(new Set(pieces).size).toBe(1)
  })

  it("marks the frames of sub-agents, gives them no id, and keeps a state for each", () => {
    const { wire, renderer } = setup()
    const view = renderer.viewer(0)
    const [first, second] = [subAgent("sess_a"), subAgent("sess_b")]
    expect(shown(view({ subAgent: first, entries: [] }))).toEqual([[null, "start of sess_a"]])
    view({ subAgent: second, entries: [] })
    const entries = batch(5, "one two")
    expect(shown(view({ subAgent: first, entries }))).toEqual([
      [null, "one of sess_a"],
      [null, "two of sess_a"],
    ])
    expect(shown(view(batch(1, "own")))).toEqual([["1", "own"]])
    expect(shown(view({ subAgent: second, entries: batch(5, "three") }))).toEqual([[null, "three of sess_b"]])
    const other = renderer.viewer(0)
    other({ subAgent: first, entries: [] })
    const folds = wire.folds
    const later = batch(6, "later")
    expect(other({ subAgent: first, entries: later })).toBe(view({ subAgent: first, entries: later }))
    expect(wire.folds).toBe(folds + 1)
  })

  it("marks the failure of a sub-agent's entry, and ends the sub-agent without the end of a run", () => {
    const { renderer } = setup()
    const view = renderer.viewer(0)
    const worker = subAgent("sess_a")
    view({ subAgent: worker, entries: [] })
    const end = (at: number): EventEntry => ({
      ...{ kind: "event", seq: 9, v: 2, at, runId: "run_1" },
      event: { type: "runCompleted", disposition: "completed", reason: null, usage, cost: 0 },
    })
    expect(shown(view({ subAgent: worker, entries: batch(5, "boom") }))).toEqual([
      [null, "failure of sess_a"],
    ])
    expect(shown(view({ subAgent: worker, entries: [end(3_500)] }))).toEqual([
      [null, "end of sess_a after 2500 ms"],
    ])
    // The clock of the process that ended the run may be behind.
    expect(shown(view({ subAgent: worker, entries: [end(900)] }))).toEqual([
      [null, "end of sess_a after 0 ms"],
    ])
  })

  it("is done again for a viewer in another state", () => {
    const { wire, renderer } = setup()
    const one = batch(100, "one")
    renderer.viewer(0)(one)
    renderer.viewer(99)(one)
    expect(wire.folds).toBe(2)
  })

  it("folds silently up to the cursor, for this viewer alone", () => {
    const { wire, renderer } = setup()
    const one = batch(1, "one", "two", "three")
    expect(shown(renderer.viewer(2)(one))).toEqual([["3", "three"]])
    expect(shown(renderer.viewer(0)(one))).toHaveLength(3)
    expect(shown(renderer.viewer(3)(one))).toEqual([])
    expect(wire.folds).toBe(9)
  })

  it("sends a status without an id, also to a viewer who has the entry whose number it has", () => {
    const renderer = createRenderer(nativeWire, createCollectingLogger([]))
    const status = { kind: "status", seq: 7, runId: "run_1", message: "Waiting." } as const
    for (const afterSeq of [6, 7]) {
      const [frame] = parseFrames(renderer.viewer(afterSeq)([status]) ?? "")
      expect(frame).toMatchObject({ id: null, data: { type: "status", message: "Waiting." } })
    }
  })

  it("continues after an entry that cannot be rendered, which is logged", () => {
    const { errors, renderer } = setup()
    expect(shown(renderer.viewer(0)(batch(1, "one", "boom", "three")))).toEqual([
      ["1", "one"],
      ["2", "failure"],
      ["3", "three"],
    ])
    expect(errors).toEqual([{ message: expect.any(String), fields: expect.objectContaining({ seq: 2 }) }])
  })

  it("sends heartbeats without an id", () => {
    const { renderer } = setup()
    expect(renderer.heartbeat(5)).toBe('data: {"now":5}\n\n')
  })
})
