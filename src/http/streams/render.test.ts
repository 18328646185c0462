import { describe, expect, it } from "vitest"
import type { Entry, LiveEntry } from "../../core/log/entries.ts"
import type { SubAgent } from "../../kernel/sessions/tree/sub-agent.ts"
import { nativeWire } from "../../wires/native/fold/native-wire.ts"
import { runCompleted } from "../fixtures/entries.ts"
import { parseFrames } from "../fixtures/frames.ts"
import { createCollectingLogger, type LoggedLine } from "../fixtures/test-app.ts"
import { createRenderer } from "./render.ts"
import { formatServerSentEvent } from "./server-sent-events.ts"
import type { Frame, StreamEnd, SubAgentWire, Wire } from "./wire.ts"

/** A wire that sends each word of a delta's text as one frame, and counts its calls. */
class CountingWire implements Wire<string> {
  readonly name = "counting"
  readonly contentType = "text/event-stream"
  readonly replayFrom = "step"
  readonly endsWhenParked = false
  readonly write = formatServerSentEvent
  folds = 0

  start(afterSeq: number): string {
    return afterSeq === 99 ? "odd" : "even"
  }

  fold(state: string, entry: LiveEntry): readonly [string, readonly string[]] {
    this.folds++
    const words = entry.kind === "delta" ? entry.delta.text.split(" ").filter(Boolean) : []
    if (words.includes("boom")) throw new Error("cannot")
    return [state, words.map((word) => JSON.stringify({ word }))]
  }

  heartbeat(now: number): string {
    return formatServerSentEvent(JSON.stringify({ now }), null)
  }

  queued(runId: string, position: number): readonly Frame[] {
    return [JSON.stringify({ runId, position })]
  }

  isSame(one: string, other: string): boolean {
    return one === other
  }

  end(state: string, _end: StreamEnd, subAgents: ReadonlyMap<SubAgent, string>): readonly Frame[] {
    const open = [...subAgents].map(([{ sessionId }, own]) => ` without ${sessionId} in ${own}`)
    return [JSON.stringify({ word: `end in ${state}${open.join("")}` })]
  }

  failure(): readonly Frame[] {
    return [JSON.stringify({ word: "failure" })]
  }

  readonly subAgents: SubAgentWire<string> = {
    start: ({ sessionId }, state) => [state, [JSON.stringify({ word: `start of ${sessionId}` })]],
    progress: ({ turn }) => [JSON.stringify({ word: `turn ${turn}` })],
    fold: ({ sessionId }, state, entry) => {
      const [next, frames] = this.fold(state, entry)
      return [
        next,
        frames.map((frame) => JSON.stringify({ word: `${JSON.parse(frame).word} of ${sessionId}` })),
      ]
    },
    failure: ({ sessionId }) => [JSON.stringify({ word: `failure of ${sessionId}` })],
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
    ...{ isDirect: true, taskId: null, isNew: true, afterSeq: 0, turn: 1, startedAt: 1_000 },
  }
}

function shown(text: string | null) {
  return parseFrames(text ?? "").map(({ id, data }) => [id, data.word])
}

describe("rendering", () => {
  it("gives the id to the last frame of an entry alone", () => {
    const { renderer } = setup()
    expect(shown(renderer.viewer(0).render(batch(1, "one two", "three")))).toEqual([
      [null, "one"],
      ["1", "two"],
      ["2", "three"],
    ])
  })

  it("joins the frames of a batch into one piece, and yields nothing for an empty batch", () => {
    const { renderer } = setup()
    const view = renderer.viewer(0)
    expect(view.render(batch(1, "one", "two"))).toBe(
      'id: 1\ndata: {"word":"one"}\n\nid: 2\ndata: {"word":"two"}\n\n',
    )
    expect(view.render(batch(3, "", ""))).toBeNull()
    expect(view.render([])).toBeNull()
  })

  it("is done once for any number of viewers in the same state", () => {
    const { wire, renderer } = setup()
    const viewers = Array.from({ length: 100 }, (_, index) => renderer.viewer(index % 5))
    const one = batch(10, "one", "two")
    const pieces = viewers.map((view) => view.render(one))
    expect(wire.folds).toBe(2)
    expect(new Set(pieces).size).toBe(1)
  })

  it("marks the frames of sub-agents, gives them no id, and keeps a state for each", () => {
    const { wire, renderer } = setup()
    const view = renderer.viewer(0)
    const [first, second] = [subAgent("sess_a"), subAgent("sess_b")]
    expect(shown(view.render({ subAgent: first, entries: [] }))).toEqual([[null, "start of sess_a"]])
    view.render({ subAgent: second, entries: [] })
    const entries = batch(5, "one two")
    expect(shown(view.render({ subAgent: first, entries }))).toEqual([
      [null, "one of sess_a"],
      [null, "two of sess_a"],
    ])
    expect(shown(view.render(batch(1, "own")))).toEqual([["1", "own"]])
    expect(shown(view.render({ subAgent: second, entries: batch(5, "three") }))).toEqual([
      [null, "three of sess_b"],
    ])
    const other = renderer.viewer(0)
    other.render({ subAgent: first, entries: [] })
    const folds = wire.folds
    const later = batch(6, "later")
    expect(other.render({ subAgent: first, entries: later })).toBe(
      view.render({ subAgent: first, entries: later }),
    )
    expect(wire.folds).toBe(folds + 1)
  })

  it("marks the failure of a sub-agent's entry", () => {
    const { renderer } = setup()
    const view = renderer.viewer(0)
    const worker = subAgent("sess_a")
    view.render({ subAgent: worker, entries: [] })
    expect(shown(view.render({ subAgent: worker, entries: batch(5, "boom") }))).toEqual([
      [null, "failure of sess_a"],
    ])
  })

  it("shows nothing of sub-agents on a wire that has no place for them", () => {
    const renderer = createRenderer({ ...nativeWire, subAgents: null }, createCollectingLogger([]))
    const view = renderer.viewer(0)
    expect(view.render({ subAgent: subAgent("sess_a"), entries: [] })).toBeNull()
    expect(view.render({ subAgent: subAgent("sess_a"), entries: batch(5, "text") })).toBeNull()
  })

  it("ends with the frames of the wire, in the viewer's state", () => {
    const { renderer } = setup()
    expect(renderer.viewer(99).end({ type: "complete" })).toBe('data: {"word":"end in odd"}\n\n')
    expect(renderer.viewer(99, "given").end({ type: "complete" })).toBe('data: {"word":"end in given"}\n\n')
  })

  it("names the sub-agents whose end was not shown to the wire at the end", () => {
    const { renderer } = setup()
    const view = renderer.viewer(0)
    const [first, second] = [subAgent("sess_a"), subAgent("sess_b")]
    for (const each of [first, second]) view.render({ subAgent: each, entries: [] })
    const ended: Entry = { kind: "event", seq: 9, v: 1, at: 0, runId: "run_1", event: runCompleted }
    view.render({ subAgent: first, entries: [ended] })
    expect(view.end({ type: "complete" })).toBe('data: {"word":"end in even without sess_b in even"}\n\n')
  })

  it("is shared by viewers whose states are different objects but the same to the wire", () => {
    interface Length {
      readonly characters: number
    }
    let folds = 0
    const wire: Wire<Length> = {
      ...(nativeWire as Wire<unknown> as Wire<Length>),
      start: () => ({ characters: 0 }),
      isSame: (one, other) => one.characters === other.characters,
      fold({ characters }, entry) {
        folds++
        const text = entry.kind === "delta" ? entry.delta.text : ""
        return [{ characters: characters + text.length }, [JSON.stringify({ before: characters, text })]]
      },
    }
    const renderer = createRenderer(wire, createCollectingLogger([]))
    const viewers = Array.from({ length: 21 }, () => renderer.viewer(0))
    const late = renderer.viewer(0)
    const batches = Array.from({ length: 200 }, (_, index) => batch(index + 1, "token"))
    for (const each of batches) expect(new Set(viewers.map((view) => view.render(each))).size).toBe(1)
    expect(folds).toBe(200)
    // This viewer reads the same entries in pages of its own, and then reaches the same state by objects of its own.
    for (const each of batches) late.render([...each])
    const next = batch(201, "next")
    folds = 0
    expect(late.render(next)).toBe(viewers[0]?.render(next))
    expect(folds).toBe(1)
  })

  it("is done again for a viewer in another state", () => {
    const { wire, renderer } = setup()
    const one = batch(100, "one")
    renderer.viewer(0).render(one)
    renderer.viewer(99).render(one)
    expect(wire.folds).toBe(2)
  })

  it("folds silently up to the cursor, for this viewer alone", () => {
    const { wire, renderer } = setup()
    const one = batch(1, "one", "two", "three")
    expect(shown(renderer.viewer(2).render(one))).toEqual([["3", "three"]])
    expect(shown(renderer.viewer(0).render(one))).toHaveLength(3)
    expect(shown(renderer.viewer(3).render(one))).toEqual([])
    expect(wire.folds).toBe(9)
  })

  it("sends a status without an id, also to a viewer who has the entry whose number it has", () => {
    const renderer = createRenderer(nativeWire, createCollectingLogger([]))
    const status = { kind: "status", seq: 7, runId: "run_1", message: "Waiting." } as const
    for (const afterSeq of [6, 7]) {
      const [frame] = parseFrames(renderer.viewer(afterSeq).render([status]) ?? "")
      expect(frame).toMatchObject({ id: null, data: { type: "status", message: "Waiting." } })
    }
  })

  it("continues after an entry that cannot be rendered, which is logged", () => {
    const { errors, renderer } = setup()
    expect(shown(renderer.viewer(0).render(batch(1, "one", "boom", "three")))).toEqual([
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
