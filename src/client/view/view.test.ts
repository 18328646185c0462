import { describe, expect, test } from "vitest"
import { createLongRun } from "../fixtures/fake-gateway.ts"
import type { SentEvent } from "../follow.ts"
import type { ChatEvent } from "../wire/chat-event.ts"
import type { History } from "../wire/messages.ts"
import { applyEvent } from "./apply-event.ts"
import { addUserMessage, type ChatView, emptyView, type ViewPart } from "./view.ts"
import { viewOfHistory } from "./view-of-history.ts"

const usage = {
  input_tokens: 10,
  output_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  estimated_cost: 0.5,
}
const text = (value: string): ChatEvent => ({ type: "text_delta", text: value })
const retry: ChatEvent = { type: "stream_retry", attempt: 2, error: "Busy." }
const turn: ChatEvent = { type: "turn_complete", turn: 1, usage }
const ended: ChatEvent = { type: "stream_complete", usage, terminal_disposition: "completed" }
const failed: ChatEvent = { type: "error", error: "The model refused.", code: "model_refused" }
const call = (id: string, nonce?: string): ChatEvent => ({
  ...{ type: "tool_call_start", tool_call_id: id, tool_name: "shell", tool_input: { a: 1 } },
  ...{ execution_location: nonce === undefined ? "backend" : "client", call_index: 0, nonce },
})
const done = (id: string, error: { code: string; message: string } | null = null): ChatEvent => ({
  ...{ type: "tool_call_complete", tool_call_id: id, tool_name: "shell", result: error === null ? 42 : null },
  ...{ error, duration_ms: 7, server: null, execution_location: "backend" },
})
const approval = (id: string): ChatEvent => ({
  ...{ type: "tool_approval_request", tool_call_id: id, nonce: "n", expires_at: 1, tool_name: "shell" },
  ...{ server: null, tool_input: {}, resolved_qualifier: null, reason: null },
})

function applyAll(events: readonly SentEvent[], view: ChatView = emptyView): ChatView {
  return events.reduce(applyEvent, view)
}

function partsAfter(...events: readonly ChatEvent[]): readonly ViewPart[] {
  return applyAll(events, addUserMessage(emptyView, "Go")).messages.at(-1)?.parts ?? []
}

describe("a notice", () => {
  const status: ChatEvent = { type: "status", run_id: "run_1", message: "Waiting for a server." }

  test("is shown until the next event of the run", () => {
    const waiting = applyAll([status, { type: "heartbeat", timestamp: 1 }], addUserMessage(emptyView, "Go"))
    expect(waiting).toMatchObject({ notice: "Waiting for a server.", isRunning: true })
    expect(applyAll([text("a")], waiting).notice).toBeNull()
    expect(applyAll([ended], waiting)).toMatchObject({ notice: null, isRunning: false })
  })
})

describe("text", () => {
  test("grows in the last part of its kind", () => {
    expect(partsAfter({ type: "thinking_delta", text: "Hm" }, text("a"), text("b"))).toEqual([
      { type: "thinking", text: "Hm" },
      { type: "text", text: "ab" },
    ])
  })

  test("is discarded by a retry back to the last turn", () => {
    expect(partsAfter(text("a"), turn, text("b"), retry, text("c"))).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "c" },
    ])
  })

  test("before a tool call of the turn is discarded too, and the call stays", () => {
    const parts = partsAfter(text("a"), call("call_1"), text("b"), retry, text("c"))
    expect(parts).toMatchObject([{ type: "tool" }, { type: "text", text: "c" }])
  })

  test("is discarded by a failure back to the last tool call", () => {
    const parts = partsAfter(text("a"), call("call_1"), text("b"), failed)
    expect(parts).toMatchObject([{ type: "text", text: "a" }, { type: "tool" }])
  })

  test("in a loaded history is never discarded", () => {
    const view = viewOfHistory({
      ...history,
      messages: [
        { role: "user", content: [{ type: "text", text: "Go" }] },
        { role: "assistant", content: [{ type: "text", text: "kept" }] },
      ],
    })
    const after = applyAll([text("gone"), retry, text("new")], view)
    expect(after.messages.at(-1)?.parts).toEqual([
      { type: "text", text: "kept" },
      { type: "text", text: "new" },
    ])
  })
})

describe("a sub-agent", () => {
  const below = (event: ChatEvent, id = "sess_a"): ChatEvent => ({ ...event, sub_agent_id: id })
  const started: ChatEvent = {
    ...{ type: "sub_agent_start", sub_agent_id: "sess_a", agent_name: "worker" },
    ...{ tool_call_id: "call_1", parent_sub_agent_id: null, turn: 1 },
  }

  test("adds nothing to the messages of its session, and its end is not the run's", () => {
    const own = [text("a"), call("call_1")]
    const foreign = [
      started,
      below(text("x")),
      below(retry),
      below(call("call_x")),
      below(turn),
      below(ended),
    ]
    const view = applyAll([...own, ...foreign, below(failed)], addUserMessage(emptyView, "Go"))
    expect({ ...view, subAgents: [] }).toEqual(applyAll(own, addUserMessage(emptyView, "Go")))
    expect(view.isRunning).toBe(true)
  })

  test("shows its waits until they are answered", () => {
    const waiting = applyAll([call("call_1"), started, below(approval("call_x")), below(call("call_y", "n"))])
    expect(waiting.waits).toMatchObject([
      { kind: "approval", tool_call_id: "call_x", sub_agent_id: "sess_a" },
      { kind: "clientTool", tool_call_id: "call_y", sub_agent_id: "sess_a" },
    ])
    const resolved: ChatEvent = {
      ...{ type: "approval_resolved", tool_call_id: "call_x", approved: true },
      ...{ edited: false, decided_by: "ann" },
    }
    expect(applyAll([below(resolved), below(done("call_y"))], waiting).waits).toEqual([])
  })

  test.each([
    ["it is shown anew", started, 1],
    ["it ends", below(ended), 1],
    ["it fails", below(failed), 1],
    ["the turn of its session is over", turn, 0],
  ])("has no waits after %s", (_, event, left) => {
    const open = [below(approval("call_x")), below(approval("call_y"), "sess_b")]
    expect(applyAll([...open, event]).waits).toHaveLength(left)
  })
})

describe("a tool call", () => {
  const stateAfter = (...events: readonly ChatEvent[]) => partsAfter(call("call_1"), ...events)[0]

  test("shows its result", () => {
    expect(stateAfter(done("call_1"))).toMatchObject({ state: "completed", result: 42, durationMs: 7 })
  })

  test("shows its result and its warning if the tool reports a failure", () => {
    const failed: ChatEvent = { ...done("call_1"), is_error: true, warning: "Odd." } as ChatEvent
    expect(stateAfter(failed)).toMatchObject({ state: "failed", result: 42, error: null, warning: "Odd." })
  })

  test.each([
    ["denied", "denied"],
    ["approval_expired", "denied"],
    ["tool_failed", "failed"],
  ])("with the error %s is %s", (code, state) => {
    expect(stateAfter(done("call_1", { code, message: "No." }))).toMatchObject({ state, error: { code } })
  })

  test("collects its output by stream, once, and again from the start after a crash", () => {
    const chunk = (seq: number, value: string, stream: "stdout" | "stderr" = "stdout"): ChatEvent => ({
      ...{ type: "tool_output_chunk", tool_call_id: "call_1", tool_name: "shell", stream, text: value, seq },
    })
    const first = [chunk(0, "a"), chunk(1, "b"), chunk(1, "b"), chunk(2, "!", "stderr")]
    expect(stateAfter(...first)).toMatchObject({
      output: [
        { stream: "stdout", text: "ab" },
        { stream: "stderr", text: "!" },
      ],
    })
    expect(stateAfter(...first, chunk(0, "c"))).toMatchObject({ output: [{ stream: "stdout", text: "c" }] })
  })

  test("has the emitted data of its tool; a transient event replaces the former one of the same name", () => {
    const data = (name: string, value: unknown, transient?: true): ChatEvent => ({
      ...{ type: "data", tool_call_id: "call_1", run_id: "run_1", name, value },
      ...(transient && { transient }),
    })
    expect(
      stateAfter(data("row", 1), data("percent", 10, true), data("row", 2), data("percent", 20, true)),
    ).toMatchObject({
      data: [
        { name: "row", value: 1, transient: false },
        { name: "row", value: 2, transient: false },
        { name: "percent", value: 20, transient: true },
      ],
    })
  })

  test("has the emitted data of its tool, as in the history", () => {
    const view = viewOfHistory({
      ...history,
      messages: [
        { role: "assistant", content: [toolCall("call_1")] },
        {
          role: "tool",
          content: [
            { type: "data", tool_call_id: "call_1", name: "row", value: 1 },
            { type: "tool_result", tool_call_id: "call_1", result: 42, error: null },
          ],
        },
      ],
    })
    expect(view.messages[0]?.parts[0]).toMatchObject({
      state: "completed",
      data: [{ name: "row", value: 1, transient: false }],
    })
  })

  test("changes nothing if it is repeated", () => {
    expect(partsAfter(call("call_1"), done("call_1"), call("call_1"))).toHaveLength(1)
  })
})

describe("the input of a call", () => {
  const input = (id: string, value: string): ChatEvent => {
    return { type: "tool_input_delta", tool_call_id: id, tool_name: "shell", text: value }
  }

  test("grows while the model writes it, and is whole when the call starts", () => {
    const writing = [text("a"), input("call_1", '{"a"'), input("call_1", ":1}")]
    expect(partsAfter(...writing)).toMatchObject([
      { type: "text" },
      { type: "tool", toolName: "shell", state: "writing", input: {}, inputText: '{"a":1}' },
    ])
    expect(partsAfter(...writing, call("call_1"))[1]).toMatchObject({
      state: "running",
      input: { a: 1 },
      inputText: null,
    })
  })

  test.each<[string, ChatEvent]>([
    ["a retry", retry],
    ["a failure", failed],
    ["the end of a turn that asks for no such call", turn],
    ["the end of the run", ended],
  ])("is discarded by %s, and started calls are not", (_, event) => {
    const parts = partsAfter(call("call_1"), input("call_2", "{"), event)
    expect(parts).toMatchObject([{ type: "tool", toolCallId: "call_1" }])
  })
})

describe("a wait", () => {
  test("is open until it is resolved", () => {
    const open = applyAll([call("call_1"), approval("call_1")])
    expect(open.waits).toMatchObject([{ kind: "approval", tool_call_id: "call_1" }])
    expect(open.messages[0]?.parts[0]).toMatchObject({ state: "waiting" })
    const resolved = { approved: true, edited: false, decided_by: "ada" } as const
    const after = applyEvent(open, { type: "approval_resolved", tool_call_id: "call_1", ...resolved })
    expect(after.waits).toEqual([])
    expect(after.messages[0]?.parts[0]).toMatchObject({ state: "running" })
  })

  test("that is opened again replaces the former one", () => {
    expect(applyAll([call("call_1"), approval("call_1"), approval("call_1")]).waits).toHaveLength(1)
  })

  test("of a client tool opens with the nonce", () => {
    expect(applyAll([call("call_1")]).waits).toEqual([])
    expect(applyAll([call("call_1"), call("call_1", "n")]).waits).toMatchObject([{ kind: "clientTool" }])
  })

  test("does not outlive its run", () => {
    expect(applyAll([call("call_1"), approval("call_1"), ended]).waits).toEqual([])
  })
})

test("a run ends as its last event says, and usage adds up", () => {
  expect(applyAll([text("a"), turn, turn, ended])).toMatchObject({
    isRunning: false,
    ended: { outcome: "completed", reason: null },
    usage: { input_tokens: 20, estimated_cost: 1 },
  })
  expect(applyAll([text("a"), failed]).ended).toEqual({
    outcome: "failed",
    reason: "model_refused",
    error: "The model refused.",
  })
})

test("events that the view already contains change nothing", () => {
  const sent = createLongRun().flatMap(({ id, events }) =>
    events.map((event, at): SentEvent => (at === events.length - 1 ? { ...event, cursor: id } : event)),
  )
  const view = applyAll(sent)
  expect(
    applyAll(
      sent.filter(({ cursor }) => cursor !== undefined),
      view,
    ),
  ).toEqual(view)
})

test("unknown events change only the cursor", () => {
  const view = applyAll([text("a")])
  const unknown = { type: "from_the_future", cursor: 7 } as unknown as SentEvent
  expect(applyEvent(view, unknown)).toEqual({ ...view, cursor: 7 })
})

test("the next run answers the first queued message", () => {
  const queued = { key: "k", runId: "run_2", content: "And then?", steers: false }
  const busy = applyAll([text("a")], { ...addUserMessage(emptyView, "Go"), queued: [queued] })
  expect(busy.messages).toHaveLength(2)
  const next = applyAll([ended, text("b")], busy)
  expect(next.queued).toEqual([])
  expect(next.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"])
})

test("the first queued message is next if the former run was stopped right after a message of the user", () => {
  const queued = { key: "k", runId: "run_2", content: "And then?", steers: false }
  const content = [{ type: "text", text: "Hurry!" }] as const
  const stopped = { ...ended, terminal_disposition: "interrupted", reason: "cancelled" } as const
  const next = applyAll([text("a"), { type: "user_message_added", content }, stopped, text("b")], {
    ...addUserMessage(emptyView, "Go"),
    queued: [queued],
  })
  expect(next.queued).toEqual([])
  expect(next.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "user", "assistant"])
})

test("a steering message joins the run, and a withdrawn one disappears", () => {
  const steering = { key: "a", runId: "run_1", content: "Shorter!", steers: true }
  const withdrawn = { key: "b", runId: "run_2", content: "Later", steers: false }
  const busy = applyAll([text("a"), turn], {
    ...addUserMessage(emptyView, "Go"),
    queued: [withdrawn, steering],
  })
  const content = [{ type: "text", text: "Shorter!" }] as const
  const after = applyAll(
    [{ type: "user_message_added", content }, text("b"), { type: "run_withdrawn", run_id: "run_2" }],
    busy,
  )
  expect(after.queued).toEqual([])
  expect(after.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"])
})

const history: History = {
  messages: [],
  running_tasks: [],
  queued_runs: [],
  steering_messages: [],
  pending_approvals: [],
  pending_tool_calls: [],
  pending_elicitations: [],
  active_run: { run_id: "run_1", cursor: 3 },
  usage,
  has_more: false,
  before: null,
  last_seq: 9,
}

test("a history with the events after it gives the same view as the whole stream", () => {
  const view = viewOfHistory({
    ...history,
    messages: [
      { role: "user", content: [{ type: "text", text: "Go" }] },
      { role: "assistant", content: [{ type: "text", text: "One." }, toolCall("call_1")] },
      { role: "tool", content: [{ type: "tool_result", tool_call_id: "call_1", result: 42, error: null }] },
      { role: "assistant", content: [{ type: "text", text: "Two." }, toolCall("call_2")] },
    ],
    pending_approvals: [
      {
        ...{ tool_call_id: "call_2", nonce: "n", expires_at: 1, tool_name: "shell", tool_input: {} },
        ...{ server: null, resolved_qualifier: null, reason: null },
      },
    ],
  })
  expect(view).toMatchObject({ isRunning: true, cursor: 9, waits: [{ kind: "approval" }] })
  // After a reconnect, the gateway sends the events of the open call again.
  const after = applyAll([call("call_2"), approval("call_2"), done("call_2"), turn, text("Three.")], view)
  expect(after.messages.map(({ role }) => role)).toEqual(["user", "assistant"])
  expect(after.messages[1]?.parts).toMatchObject([
    { text: "One." },
    { toolCallId: "call_1", state: "completed" },
    { text: "Two." },
    { toolCallId: "call_2", state: "completed" },
    { text: "Three." },
  ])
})

test("a summary leaves the same mark in the stream and in the history", () => {
  const tokens = { chars: 9, tokens_before: 90, tokens_after: 30 }
  const summarized: SentEvent = { type: "compaction", ...tokens, cursor: 7 }
  const live = applyAll(
    [summarized, text("One."), retry, text("Two."), turn, ended],
    addUserMessage(emptyView, "Go"),
  )
  const loaded = viewOfHistory({
    ...history,
    messages: [
      { role: "user", content: [{ type: "text", text: "Go" }] },
      {
        role: "assistant",
        content: [
          { type: "compaction", cursor: 7, ...tokens },
          { type: "text", text: "Two." },
        ],
      },
    ],
  })
  const mark = { characters: 9, tokensBefore: 90, tokensAfter: 30 }
  expect(loaded.messages[1]?.parts).toEqual([
    { type: "compaction", cursor: 7, ...mark },
    { type: "text", text: "Two." },
  ])
  expect(live.messages.map(({ parts }) => parts)).toEqual(loaded.messages.map(({ parts }) => parts))
  expect([live.compaction, loaded.compaction]).toEqual([mark, mark])
})

test("a loaded conversation has its waiting messages, and the next run starts with the first queued one", () => {
  const say = (words: string) => [{ type: "text", text: words } as const]
  const runs = [
    { run_id: "run_later", position: 1, not_before: 9_999, content: say("Later.") },
    { run_id: "run_2", position: 2, not_before: null, content: say("Then.") },
    { run_id: "run_3", position: 3, not_before: null, content: null },
  ]
  const view = viewOfHistory({
    ...history,
    messages: [{ role: "user", content: say("Go") }],
    queued_runs: runs,
    steering_messages: [{ content: say("Faster.") }],
  })
  expect(view.queued.map(({ runId, content, steers }) => [runId, content, steers])).toEqual([
    ["run_1", say("Faster."), true],
    ["run_2", say("Then."), false],
    ["run_3", [], false],
  ])
  const steered: ChatEvent = { type: "user_message_added", content: say("Faster.") }
  const after = applyAll([text("One."), steered, text("Two."), ended, text("Three.")], view)
  expect(after.messages.map(({ parts }) => parts)).toMatchObject(
    ["Go", "One.", "Faster.", "Two.", "Then.", "Three."].map((words) => [{ text: words }]),
  )
  expect(after.queued).toHaveLength(1)
})

test("blocks that this version does not know are left out of a loaded conversation", () => {
  const unknown = { type: "hologram", depth: 3 } as never
  const view = viewOfHistory({
    ...history,
    messages: [{ role: "assistant", content: [{ type: "text", text: "One." }, unknown] }],
  })
  expect(view.messages[0]?.parts).toEqual([{ type: "text", text: "One." }])
})

function toolCall(tool_call_id: string) {
  return { type: "tool_call", tool_call_id, tool_name: "shell", tool_input: { a: 1 } } as const
}
