import { describe, expect, it } from "vitest"
import {
  createText,
  createThinking,
  runCompleted,
  runStarted,
  stepStarted,
  usage,
  wireUsageExpected,
} from "../../../http/fixtures/entries.ts"
import { parseFrames } from "../../../http/fixtures/frames.ts"
import { createOrigin } from "../../../testing/session-log/waits/tool-origin.ts"
import { type Item, parseFrame, renderFrames } from "../fixtures/native.ts"
import { chooseNativeWire, nativeWire } from "./native-wire.ts"

const call = { toolCallId: "call_1", name: "look" }
const completed = {
  type: "toolCallCompleted",
  ...call,
  durationMs: 12,
  server: null,
  executionLocation: "backend",
} as const
const completedFrame = {
  type: "tool_call_complete",
  tool_call_id: "call_1",
  tool_name: "look",
  error: null,
  duration_ms: 12,
  server: null,
  execution_location: "backend",
}

const decider = { via: "http", tenant: "key_1", userId: "ada", address: "192.0.2.1" } as const
const resolved = { type: "waitResolved", waitId: "wait_1", toolCallId: "call_1" } as const
const denied = { approved: false, editedInput: null, reason: "No." }
const resolvedFrame = { type: "approval_resolved", tool_call_id: "call_1", approved: false, edited: false }

const asked = {
  type: "waitOpened",
  waitId: "wait_1",
  toolCallId: "call_1",
  toolName: "look",
  continuation: null,
  nonce: "nonce_1",
  expiresAt: 1_700_000_060_999,
} as const
const askedFrame = {
  type: "elicitation_request",
  tool_call_id: "call_1",
  tool_name: "look",
  server: "eyes",
  nonce: "nonce_1",
  expires_at: 1_700_000_060,
}

describe("the native wire", () => {
  it("shows the input of a call during its writing to subscribers that asked for it, and to no others", () => {
    const ids = { toolCallId: "call_1", toolName: "look" }
    const delta = { type: "toolInput", stepId: "step_1", ...ids, text: '{"at":' } as const
    const entry = { kind: "delta", seq: 7, runId: "run_1", delta } as const
    expect(chooseNativeWire({}).fold(3, entry)).toEqual([3, []])
    const [state, frames] = chooseNativeWire({ toolInput: true }).fold(3, entry)
    const shown = { type: "tool_input_delta", tool_call_id: "call_1", tool_name: "look", text: '{"at":' }
    expect([state, frames.map(parseFrame)]).toEqual([3, [shown]])
  })

  it("shows what a run waits for", () => {
    const entry = { kind: "status", seq: 7, runId: "run_1", message: "Waiting." } as const
    const [state, frames] = nativeWire.fold(3, entry)
    const shown = { type: "status", run_id: "run_1", message: "Waiting." }
    expect([state, frames.map((frame) => JSON.parse(frame))]).toEqual([3, [shown]])
  })

  it("shows application data, and marks data that is not stored", () => {
    const data = { toolCallId: "call_1", name: "progress", value: { done: [1] } }
    const shown = {
      type: "data",
      tool_call_id: "call_1",
      run_id: "run_1",
      name: "progress",
      value: { done: [1] },
    }
    const event = { type: "dataEmitted", ...data } as const
    const place = { seq: 7, runId: "run_1" }
    const [state, stored] = nativeWire.fold(3, { kind: "event", v: 3, at: 0, ...place, event })
    expect([state, stored.map((frame) => JSON.parse(frame))]).toEqual([3, [shown]])
    const [next, transient] = nativeWire.fold(3, { kind: "transient", ...place, data })
    expect([next, transient.map((frame) => JSON.parse(frame))]).toEqual([3, [{ ...shown, transient: true }]])
  })

  it.each<[Item, object]>([
    [createText('say "hi"\n\u2028\ud800'), { type: "text_delta", text: 'say "hi"\n\u2028\ud800' }],
    [createThinking("hm\r\n"), { type: "thinking_delta", text: "hm\r\n" }],
    [
      {
        type: "toolOutput",
        stepId: "step_1",
        toolCallId: "call_1",
        toolName: "run",
        stream: "stderr",
        text: "oops",
        chunk: 3,
      },
      {
        type: "tool_output_chunk",
        tool_call_id: "call_1",
        tool_name: "run",
        stream: "stderr",
        text: "oops",
        seq: 3,
      },
    ],
    [
      {
        type: "toolCallRequested",
        stepId: "step_1",
        ...call,
        input: { at: [1] },
        callIndex: 2,
        executionLocation: "client",
      },
      {
        type: "tool_call_start",
        tool_call_id: "call_1",
        tool_name: "look",
        tool_input: { at: [1] },
        execution_location: "client",
        call_index: 2,
      },
    ],
    [
      {
        ...asked,
        kind: "clientTool",
        payload: { input: {}, callIndex: 0 },
      },
      {
        type: "tool_call_start",
        tool_call_id: "call_1",
        tool_name: "look",
        tool_input: {},
        execution_location: "client",
        call_index: 0,
        nonce: "nonce_1",
      },
    ],
    [
      {
        type: "toolCallRequested",
        stepId: "step_1",
        ...call,
        input: {},
        callIndex: 0,
        executionLocation: "backend",
      },
      {
        type: "tool_call_start",
        tool_call_id: "call_1",
        tool_name: "look",
        tool_input: {},
        execution_location: "backend",
        call_index: 0,
      },
    ],
    [
      {
        type: "interceptorDecided",
        toolCallId: "call_1",
        toolName: "look",
        action: "deny",
        code: "rate_limited",
        message: "Too often.",
      },
      {
        type: "interceptor_decision",
        tool_call_id: "call_1",
        tool_name: "look",
        action: "deny",
        code: "rate_limited",
        message: "Too often.",
      },
    ],
    [
      {
        type: "interceptorDecided",
        toolCallId: "call_1",
        toolName: "look",
        action: "warn",
        code: null,
        message: null,
      },
      {
        type: "interceptor_decision",
        tool_call_id: "call_1",
        tool_name: "look",
        action: "warn",
        code: null,
        message: null,
      },
    ],
    [
      {
        ...asked,
        kind: "approval",
        payload: { input: { at: 1 }, qualifier: "window", reason: null },
      },
      {
        type: "tool_approval_request",
        tool_call_id: "call_1",
        nonce: "nonce_1",
        expires_at: 1_700_000_060,
        tool_name: "look",
        server: null,
        tool_input: { at: 1 },
        resolved_qualifier: "window",
        reason: null,
      },
    ],
    [
      {
        ...asked,
        kind: "approval",
        payload: { input: { at: 1 }, qualifier: "window", reason: null },
        origin: createOrigin("tracker"),
      },
      {
        type: "tool_approval_request",
        tool_call_id: "call_1",
        nonce: "nonce_1",
        expires_at: 1_700_000_060,
        tool_name: "look",
        server: "tracker",
        tool_input: { at: 1 },
        resolved_qualifier: "window",
        reason: null,
      },
    ],
    [
      {
        ...resolved,
        kind: "approval",
        resolution: { approved: true, editedInput: { at: 2 }, reason: "No." },
        decidedBy: decider,
      },
      { ...resolvedFrame, approved: true, edited: true, decided_by: "ada" },
    ],
    [
      {
        ...resolved,
        kind: "approval",
        resolution: denied,
        decidedBy: { ...decider, via: "cli", userId: null },
      },
      { ...resolvedFrame, decided_by: "cli" },
    ],
    [
      { ...resolved, kind: "approval", resolution: denied, decidedBy: null },
      { ...resolvedFrame, decided_by: "expiry" },
    ],
    [
      {
        ...asked,
        kind: "elicitation",
        payload: { server: "eyes", question: { mode: "form", message: "Who?", schema: { type: "object" } } },
        continuation: { secret: 1 },
      },
      { ...askedFrame, mode: "form", message: "Who?", schema: { type: "object" } },
    ],
    [
      {
        ...asked,
        kind: "elicitation",
        payload: {
          server: "eyes",
          question: { mode: "url", message: "Pay.", url: "https://pay.example", elicitationId: "7" },
        },
      },
      { ...askedFrame, mode: "url", message: "Pay.", url: "https://pay.example" },
    ],
    [
      {
        ...resolved,
        kind: "elicitation",
        resolution: { action: "accept", content: { name: "Ada" } },
        decidedBy: decider,
      },
      { type: "elicitation_resolved", tool_call_id: "call_1", action: "accept", decided_by: "ada" },
    ],
    [
      { ...completed, result: { type: "json", value: { seen: true } } },
      { ...completedFrame, result: { seen: true } },
    ],
    [
      { ...completed, result: { type: "json", value: null } },
      { ...completedFrame, result: null },
    ],
    [
      {
        ...completed,
        server: "eyes",
        result: {
          type: "content",
          content: [
            { type: "text", text: "seen" },
            { type: "image", source: { type: "base64", mediaType: "image/png", data: "aGk=" } },
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
          ],
        },
      },
      {
        ...completedFrame,
        server: "eyes",
        result: {
          content: [
            { type: "text", text: "seen" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
          ],
        },
      },
    ],
    [
      { ...completed, result: { type: "error", code: "timeout", message: "Too slow." } },
      { ...completedFrame, result: null, error: { code: "timeout", message: "Too slow." } },
    ],
    [
      { type: "toolCallInterrupted", ...call, reason: "crashed", outcome: "unknown" },
      {
        type: "tool_call_interrupted",
        tool_call_id: "call_1",
        tool_name: "look",
        reason: "crashed",
        outcome: "unknown",
      },
    ],
    [
      {
        type: "stepRetried",
        stepId: "step_1",
        attempt: 2,
        error: { code: "overloaded", message: "Busy." },
        modelIndex: 1,
      },
      { type: "stream_retry", attempt: 2, error: "Busy." },
    ],
    [
      { type: "stepCompleted", stepId: "step_1", step: 3, usage, cost: 0.1 + 0.2 },
      { type: "turn_complete", turn: 3, usage: { ...wireUsageExpected, estimated_cost: 0.3 } },
    ],
    [
      { type: "maxTurnsReached", turnCount: 4, maxTurns: 4 },
      { type: "max_turns_reached", turn_count: 4, max_turns: 4 },
    ],
    [
      { type: "budgetExceeded", totalCost: 0.25, budget: 0.3 },
      { type: "budget_exceeded", total_cost: 0.25, budget: 0.3 },
    ],
    [runCompleted, { type: "stream_complete", usage: wireUsageExpected, terminal_disposition: "completed" }],
    [
      { type: "runCompleted", disposition: "interrupted", reason: "cancelled", usage, cost: null },
      {
        type: "stream_complete",
        usage: wireUsageExpected,
        terminal_disposition: "interrupted",
        reason: "cancelled",
      },
    ],
    [
      { type: "runFailed", code: "overloaded", message: "The model is busy.", usage, cost: null },
      { type: "error", error: "The model is busy.", code: "overloaded" },
    ],
  ])("sends %j as its event", (item, event) => {
    expect(renderFrames({ 1: item })).toEqual([event])
  })

  it.each<[Item]>([
    [runStarted],
    [stepStarted],
    [{ type: "historyReplaced", messages: [] }],
    [{ type: "toolCallStarted", toolCallId: "call_1" }],
  ])("sends nothing for %j", (item) => {
    expect(renderFrames({ 1: item })).toEqual([])
  })

  it("has frames for heartbeats and for events that cannot be sent", () => {
    const [beat] = parseFrames(nativeWire.heartbeat(1500))
    expect(beat).toEqual({ id: null, data: { type: "heartbeat", timestamp: 1.5 } })
    const [failure = ""] = nativeWire.failure()
    expect(parseFrame(failure)).toEqual({ type: "stream_error", error: expect.any(String) })
  })
})
