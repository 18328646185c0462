import { expect, it } from "vitest"
import type { Event, EventEntry, RunFailed } from "../../../core/log/entries.ts"
import { createText, runCompleted, usage } from "../../../http/fixtures/entries.ts"
import type { SubAgent } from "../../../kernel/sessions/tree/sub-agent.ts"
import { createEntry, parseFrame } from "../fixtures/native.ts"
import { chooseNativeWire } from "./native-wire.ts"

const subAgent: SubAgent = {
  ...{
    sessionId: "sess_a",
    runId: "run_1",
    name: "worker",
    parentSessionId: "sess_root",
    toolCallId: "call_1",
  },
  ...{ isDirect: true, taskId: null, isNew: true, afterSeq: 0, turn: 1, startedAt: 1_000 },
}

/** Returns the events that a subscriber of the parent session receives for an event of the sub-agent. */
function show(event: Event, at = 1_000, providerErrors = false): readonly unknown[] {
  const { start, subAgents } = chooseNativeWire({ providerErrors })
  const entry: EventEntry = { kind: "event", seq: 9, v: 2, at, runId: "run_1", event }
  const [, frames] = subAgents?.fold(subAgent, start(0), entry) ?? [null, []]
  return frames.map(parseFrame)
}

it("adds the id of the sub-agent to its events", () => {
  const { start, subAgents } = chooseNativeWire({})
  const delta = createText("Hello")
  const [, [frame = ""] = []] = subAgents?.fold(subAgent, start(0), createEntry(1, delta)) ?? []
  expect(parseFrame(frame)).toEqual({ type: "text_delta", text: "Hello", sub_agent_id: "sess_a" })
})

it("shows the end of the sub-agent's run as no end of the stream, with its duration", () => {
  const end = { type: "sub_agent_end", sub_agent_id: "sess_a", outcome: "completed" }
  expect(show(runCompleted, 3_500)).toEqual([expect.objectContaining({ ...end, duration_ms: 2_500 })])
  // The clock of the process that ended the run may be behind.
  expect(show(runCompleted, 900)).toEqual([expect.objectContaining({ ...end, duration_ms: 0 })])
})

it("shows the provider's own message of a failed sub-agent only to those who may see it", () => {
  const spent = { usage, cost: null }
  const failed: RunFailed = {
    ...{ type: "runFailed", code: "provider_error", message: "It failed.", ...spent },
    providerMessage: "overloaded",
  }
  const error = { code: "provider_error", message: "It failed." }
  expect(show(failed)).toEqual([expect.objectContaining({ outcome: "failed", error })])
  const shown = { ...error, provider_message: "overloaded" }
  expect(show(failed, 1_000, true)).toEqual([expect.objectContaining({ error: shown })])
})
