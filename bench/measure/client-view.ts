import type { SentEvent } from "../../src/client/follow.ts"
import { addUserMessage, applyEvent, emptyView } from "../../src/client/view/index.ts"
import { median } from "../statistics.ts"

export interface ClientViewSettings {
  readonly repeats: number
  readonly events: number
}

export interface ClientViewResult {
  readonly events: number
  readonly parts: number
  /** Milliseconds to apply all events to a view. */
  readonly milliseconds: number
  /** Milliseconds to apply one more event and to read all parts of the last message, as a page does once a frame. */
  readonly frame: number
}

const frames = 100

/** Measures the client's view model with one run of many turns. Each turn has text and a tool call. */
export async function measureClientView({ repeats, events }: ClientViewSettings): Promise<ClientViewResult> {
  const run = createRun(events)
  const taken = Array.from({ length: repeats }, () => measureOnce(run))
  return {
    events: run.length,
    parts: taken[0]?.parts ?? 0,
    milliseconds: median(taken.map(({ milliseconds }) => milliseconds)),
    frame: median(taken.map(({ frame }) => frame)),
  }
}

function measureOnce(run: readonly SentEvent[]) {
  const startedAt = performance.now()
  let view = run.reduce(applyEvent, addUserMessage(emptyView, "Go"))
  const appliedAt = performance.now()
  let parts = 0
  for (let frame = 0; frame < frames; frame++) {
    view = applyEvent(view, { type: "text_delta", text: "word " })
    parts = view.messages.at(-1)?.parts.length ?? 0
  }
  return { parts, milliseconds: appliedAt - startedAt, frame: (performance.now() - appliedAt) / frames }
}

const usage = {
  ...{ input_tokens: 1_000, output_tokens: 50, estimated_cost: 0.001 },
  ...{ cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
}

function createRun(events: number): readonly SentEvent[] {
  const run: SentEvent[] = []
  for (let turn = 1; run.length < events; turn++) {
    const call = { tool_call_id: `call_${turn}`, tool_name: "search" }
    run.push(
      { type: "text_delta", text: "I look " },
      { type: "text_delta", text: "it up." },
      {
        ...{ type: "tool_call_start", ...call, tool_input: { page: turn }, call_index: 0 },
        execution_location: "backend",
      },
      {
        ...{ type: "tool_call_complete", ...call, result: "Found.", error: null, duration_ms: 5 },
        ...{ server: null, execution_location: "backend" },
      },
      { type: "turn_complete", turn, usage },
    )
  }
  return run.map((event, index) => ({ ...event, cursor: index + 1 }))
}
