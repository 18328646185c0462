import { describe, expect, it } from "vitest"
import { ConfigurationError, StoreUnavailableError } from "../../../core/errors.ts"
import type { ChatEvent } from "../../../core/wire/chat-event.ts"
import { createFinished, createOutput } from "../fixtures/runs.ts"
import { classifyOutcome } from "./classify-outcome.ts"
import { collectRunOutput } from "./collect-run-output.ts"
import { formatRunSummary } from "./format-run-summary.ts"
import { runOutputExitCode, runOutputOutcome, toRunOutput } from "./run-output.ts"

describe("the outcome of an output", () => {
  it.each([
    [{}, "success", 0, "success"],
    [{ error: "It broke.", errorCode: "internal_error" }, "error", 1, "permanent"],
    [{ error: "Busy.", errorCode: "overloaded" }, "error", 1, "transient"],
    [{ budgetExceeded: true }, "budget_exceeded", 2, "permanent"],
    [{ maxTurnsReached: true }, "max_turns", 3, "permanent"],
    [{ timedOut: true, budgetExceeded: true }, "timeout", 124, "transient"],
    [{ parked: true }, "parked", 75, "permanent"],
  ] as const)("%j is %s, exits with %i and is %s", (given, outcome, code, kind) => {
    expect(runOutputOutcome(createOutput(given))).toBe(outcome)
    expect(runOutputExitCode(createOutput(given))).toBe(code)
    expect(classifyOutcome(createOutput(given))).toBe(kind)
  })

  it.each([
    [new StoreUnavailableError(), "transient"],
    [new ConfigurationError("Wrong."), "permanent"],
    [Object.assign(new Error("reset"), { code: "ECONNRESET" }), "transient"],
    [
      new Error("fetch failed", { cause: Object.assign(new Error("no"), { code: "EAI_AGAIN" }) }),
      "transient",
    ],
    [new TypeError("x is not a function"), "permanent"],
    [new Error("503 Service Unavailable"), "transient"],
    [Object.assign(new Error("No."), { status: 429 }), "transient"],
    [Object.assign(new Error("No."), { status: 401 }), "permanent"],
    [new TypeError("429 is not a function"), "permanent"],
  ] as const)("of the error %s is %s", (error, kind) => {
    expect(classifyOutcome(error)).toBe(kind)
  })

  it.each([
    ["HTTP 503", "transient"],
    ["Error code: 429 - Too Many Requests", "transient"],
    ["Connection reset by peer", "transient"],
    ["read ECONNRESET", "transient"],
    ["The request timed out.", "transient"],
    ["Rate limit reached", "transient"],
    ["401 Unauthorized after a connection error", "permanent"],
    ["Authentication timed out", "permanent"],
    ["Item 5031 is missing", "permanent"],
  ] as const)("with the text %s and no code of its own is %s", (error, kind) => {
    expect(classifyOutcome(createOutput({ error, errorCode: null }))).toBe(kind)
    expect(classifyOutcome(createOutput({ error, errorCode: "internal_error" }))).toBe(kind)
  })

  it("with a code of its own does not depend on its text", () => {
    expect(classifyOutcome(createOutput({ error: "503", errorCode: "authentication_failed" }))).toBe(
      "permanent",
    )
  })
})

describe("toRunOutput", () => {
  it.each([
    [
      { outcome: "interrupted", reason: "budget" },
      { budgetExceeded: true, error: null },
    ],
    [
      { outcome: "interrupted", reason: "max_turns" },
      { maxTurnsReached: true, error: null },
    ],
    [
      { outcome: "completed", reason: "max_turns" },
      { maxTurnsReached: true, error: null },
    ],
    [{ outcome: "interrupted", reason: "max_tokens" }, { errorCode: "max_tokens" }],
    [{ outcome: "interrupted", reason: "cancelled" }, { errorCode: "cancelled" }],
    [{ outcome: "failed", error: { code: "overloaded", message: "Busy." } }, { error: "Busy." }],
    [{ outcome: "parked" }, { parked: true, error: null }],
  ] as const)("turns %j into %j", (run, expected) => {
    expect(toRunOutput(createFinished(run), { timedOut: false })).toMatchObject(expected)
  })

  it("reports only the timeout for a run that timed out", () => {
    const run = createFinished({ outcome: "interrupted", reason: "cancelled" })
    expect(toRunOutput(run, { timedOut: true })).toMatchObject({ timedOut: true, error: null })
  })
})

describe("collectRunOutput", () => {
  const usage = {
    input_tokens: 3,
    output_tokens: 4,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 1,
    estimated_cost: null,
  }
  const complete = { type: "stream_complete", usage, terminal_disposition: "completed" } as const
  const text = (value: string) => ({ type: "text_delta", text: value }) as const
  const call = {
    type: "tool_call_start",
    tool_call_id: "call_1",
    tool_name: "look",
    tool_input: {},
    execution_location: "backend",
    call_index: 0,
  } as const
  const turn = { type: "turn_complete", turn: 1, usage } as const
  const collect = (...events: readonly unknown[]) => collectRunOutput(events as readonly ChatEvent[])

  it("returns the text of the last message, without discarded text", async () => {
    const events = [
      text("I look."),
      call,
      turn,
      text("Wro"),
      { type: "stream_retry" },
      text("Right"),
      complete,
    ]
    expect(await collect(...events)).toMatchObject({
      response: "Right",
      transcript: "I look.\n\nRight",
      toolsUsed: ["look"],
      usage: { inputTokens: 3, outputTokens: 4, cacheReadInputTokens: 1 },
      error: null,
    })
  })

  it("keeps the cost of the stream, which is null if it is not known", async () => {
    const priced = { ...complete, usage: { ...usage, estimated_cost: 0.25 } }
    expect(await collect(text("Done."), priced)).toMatchObject({ cost: 0.25 })
    expect(await collect(text("Done."), complete)).toMatchObject({ cost: null })
  })

  it("leaves out the events of sub-agents", async () => {
    const below = { sub_agent_id: "sess_a" }
    const events = [
      ...[call, { ...text("Below."), ...below }, { ...call, tool_name: "dig", ...below }],
      ...[
        { type: "max_turns_reached", turn_count: 1, max_turns: 1, ...below },
        { type: "sub_agent_end", outcome: "failed", usage, duration_ms: 1, ...below },
      ],
      ...[turn, text("Done."), complete],
    ]
    expect(await collect(...events)).toMatchObject({
      ...{ response: "Done.", toolsUsed: ["look"], error: null, maxTurnsReached: false },
    })
  })

  it("keeps the text of the former message if the last one has no text", async () => {
    expect(await collect(text("I look."), call, turn, call, turn, complete)).toMatchObject({
      response: "I look.",
    })
  })

  it.each([
    [
      { type: "error", code: "overloaded", error: "Busy." },
      { error: "Busy.", errorCode: "overloaded" },
    ],
    [
      { ...complete, terminal_disposition: "interrupted", reason: "budget" },
      { budgetExceeded: true, error: null },
    ],
    [{ ...complete, terminal_disposition: "interrupted", reason: "cancelled" }, { errorCode: "cancelled" }],
    [text("half"), { errorCode: "incomplete" }],
  ])("ends with %j", async (last, expected) => {
    expect(await collect(last)).toMatchObject(expected)
  })
})

describe("formatRunSummary", () => {
  it("states how the run ended and what it cost", () => {
    const run = createOutput({ toolsUsed: ["a", "b"], cost: 0.01234, error: "It broke.", errorCode: "x" })
    const state = { open: 2 }
    const formatState = (given: object) => `State: ${JSON.stringify(given)}`
    expect(formatRunSummary(run, { label: "Nightly", state, formatState })).toBe(
      'Nightly\nStatus: failed\nUsage: in=0 out=0 cost=$0.0123\nTools: a, b\n\nState: {"open":2}\n\n' +
        "Summary:\nDone.\n\nError: It broke.",
    )
  })

  it("is short for any run, and divides no character", () => {
    const run = createOutput({
      response: "😀".repeat(5_000),
      toolsUsed: Array.from({ length: 99 }, (_, n) => `t${n}`),
    })
    const summary = formatRunSummary(run)
    expect(summary.length).toBeLessThan(1_500)
    expect(summary).toContain("… (+91)")
    expect(summary.isWellFormed()).toBe(true)
    expect(formatRunSummary(run, { maxCharacters: 20 })).toHaveLength(20)
  })
})
