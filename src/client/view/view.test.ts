import { describe, expect, test } from "vitest"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import { createLongRun } from "../fixtures/fake-gateway.ts"
import {
  applyAll,
  createApproval,
  createCall,
  createDone,
  createSubAgentEnd,
  createText,
  createToolCallBlock,
  ended,
  failed,
  history,
  partsAfter,
  retry,
  turn,
} from "../fixtures/view-events.ts"
import type { SentEvent } from "../follow.ts"
import { applyEvent } from "./apply-event.ts"
import { emptyView } from "./view.ts"
import { viewOfHistory } from "./view-of-history.ts"
import { addUserMessage } from "./view-state.ts"

describe("a notice", () => {
  const status: ChatEvent = { type: "status", run_id: "run_1", message: "Waiting for a server." }

  test("is shown until the next event of the run", () => {
    const waiting = applyAll([status, { type: "heartbeat", timestamp: 1 }], addUserMessage(emptyView, "Go"))
    expect(waiting).toMatchObject({ notice: "Waiting for a server.", isRunning: true })
    expect(applyAll([createText("a")], waiting).notice).toBeNull()
    expect(applyAll([ended], waiting)).toMatchObject({ notice: null, isRunning: false })
  })
})

describe("text", () => {
  test("grows in the last part of its kind", () => {
    expect(partsAfter({ type: "thinking_delta", text: "Hm" }, createText("a"), createText("b"))).toEqual([
      { type: "thinking", text: "Hm" },
      { type: "text", text: "ab" },
    ])
  })

  test("is discarded by a retry back to the last turn", () => {
    expect(partsAfter(createText("a"), turn, createText("b"), retry, createText("c"))).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "c" },
    ])
  })

  test("before a tool call of the turn is discarded too, and the call stays", () => {
    const parts = partsAfter(createText("a"), createCall("call_1"), createText("b"), retry, createText("c"))
    expect(parts).toMatchObject([{ type: "tool" }, { type: "text", text: "c" }])
  })

  test("is discarded by a failure back to the last tool call", () => {
    const parts = partsAfter(createText("a"), createCall("call_1"), createText("b"), failed)
    expect(parts).toMatchObject([{ type: "text", text: "a" }, { type: "tool" }, { type: "run_end" }])
  })

  test("in a loaded history is never discarded", () => {
    const view = viewOfHistory({
      ...history,
      messages: [
        { role: "user", content: [{ type: "text", text: "Go" }] },
        { role: "assistant", content: [{ type: "text", text: "kept" }] },
      ],
    })
    const after = applyAll([createText("gone"), retry, createText("new")], view)
    expect(after.messages.at(-1)?.parts).toEqual([
      { type: "text", text: "kept" },
      { type: "text", text: "new" },
    ])
  })
})

describe("a sub-agent", () => {
  const below = (event: ChatEvent, id = "sess_a"): ChatEvent => ({ ...event, sub_agent_id: id })
  const ending = createSubAgentEnd("sess_a")
  const failing = createSubAgentEnd("sess_a", { code: "model_refused", message: "The model refused." })
  const started: ChatEvent = {
    ...{ type: "sub_agent_start", sub_agent_id: "sess_a", agent_name: "worker" },
    ...{ tool_call_id: "call_1", parent_sub_agent_id: null, turn: 1 },
  }

  test("adds nothing to the messages of its session, and its end is not the run's", () => {
    const own = [createText("a"), createCall("call_1")]
    const foreign = [
      started,
      below(createText("x")),
      below(retry),
      below(createCall("call_x")),
      below(turn),
      below(ending),
    ]
    const view = applyAll([...own, ...foreign], addUserMessage(emptyView, "Go"))
    expect({ ...view, subAgents: [] }).toEqual(applyAll(own, addUserMessage(emptyView, "Go")))
    expect(view.isRunning).toBe(true)
  })

  test("that fails has the error, without the text of the message that it did not finish", () => {
    const events = [below(createText("kept")), below(turn), below(createText("lost")), failing]
    const view = applyAll([createCall("call_1"), started, ...events])
    expect(view).toMatchObject({ isRunning: true, ended: null })
    expect(view.subAgents).toMatchObject([
      {
        partial: false,
        view: {
          isRunning: false,
          ended: { outcome: "failed", reason: "model_refused", error: "The model refused." },
          messages: [{ parts: [{ type: "text", text: "kept" }, { type: "run_end" }] }],
        },
      },
    ])
  })

  test("shows its waits until they are answered", () => {
    const waiting = applyAll([
      createCall("call_1"),
      started,
      below(createApproval("call_x")),
      below(createCall("call_y", "n")),
    ])
    expect(waiting.waits).toMatchObject([
      { kind: "approval", tool_call_id: "call_x", sub_agent_id: "sess_a" },
      { kind: "clientTool", tool_call_id: "call_y", sub_agent_id: "sess_a" },
    ])
    const resolved: ChatEvent = {
      ...{ type: "approval_resolved", tool_call_id: "call_x", approved: true },
      ...{ edited: false, decided_by: "ann" },
    }
    expect(applyAll([below(resolved), below(createDone("call_y"))], waiting).waits).toEqual([])
  })

  test.each([
    ["it is shown anew", started, 1],
    ["it ends", ending, 1],
    ["it fails", failing, 1],
    ["the turn of its session is over", turn, 0],
  ])("has no waits after %s", (_, event, left) => {
    const open = [below(createApproval("call_x")), below(createApproval("call_y"), "sess_b")]
    expect(applyAll([...open, event]).waits).toHaveLength(left)
  })
})

describe("a tool call", () => {
  const stateAfter = (...events: readonly ChatEvent[]) => partsAfter(createCall("call_1"), ...events)[0]

  test("shows its result", () => {
    expect(stateAfter(createDone("call_1"))).toMatchObject({ state: "completed", result: 42, duration_ms: 7 })
  })

  test("shows its result and its warning if the tool reports a failure", () => {
    const failed: ChatEvent = { ...createDone("call_1"), is_error: true, warning: "Odd." } as ChatEvent
    expect(stateAfter(failed)).toMatchObject({ state: "failed", result: 42, error: null, warning: "Odd." })
  })

  test.each([
    ["denied", "denied"],
    ["approval_expired", "denied"],
    ["tool_failed", "failed"],
  ])("with the error %s is %s", (code, state) => {
    expect(stateAfter(createDone("call_1", { code, message: "No." }))).toMatchObject({
      state,
      error: { code },
    })
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
        { role: "assistant", content: [createToolCallBlock("call_1")] },
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
    expect(partsAfter(createCall("call_1"), createDone("call_1"), createCall("call_1"))).toHaveLength(1)
  })
})

describe("the input of a call", () => {
  const input = (id: string, value: string): ChatEvent => {
    return { type: "tool_input_delta", tool_call_id: id, tool_name: "shell", text: value }
  }

  test("grows while the model writes it, and is whole when the call starts", () => {
    const writing = [createText("a"), input("call_1", '{"a"'), input("call_1", ":1}")]
    expect(partsAfter(...writing)).toMatchObject([
      { type: "text" },
      { type: "tool", tool_name: "shell", state: "writing", tool_input: {}, draft: '{"a":1}' },
    ])
    expect(partsAfter(...writing, createCall("call_1"))[1]).toMatchObject({
      state: "running",
      tool_input: { a: 1 },
      draft: null,
    })
  })

  test.each<[string, ChatEvent]>([
    ["a retry", retry],
    ["a failure", failed],
    ["the end of a turn that asks for no such call", turn],
    ["the end of the run", ended],
  ])("is discarded by %s, and started calls are not", (_, event) => {
    const parts = partsAfter(createCall("call_1"), input("call_2", "{"), event)
    const calls = parts.filter(({ type }) => type === "tool")
    expect(calls).toMatchObject([{ tool_call_id: "call_1" }])
  })
})

describe("a wait", () => {
  test("is open until it is resolved", () => {
    const open = applyAll([createCall("call_1"), createApproval("call_1")])
    expect(open.waits).toMatchObject([{ kind: "approval", tool_call_id: "call_1" }])
    expect(open.messages[0]?.parts[0]).toMatchObject({ state: "waiting" })
    const resolved = { approved: true, edited: false, decided_by: "ada" } as const
    const after = applyEvent(open, { type: "approval_resolved", tool_call_id: "call_1", ...resolved })
    expect(after.waits).toEqual([])
    expect(after.messages[0]?.parts[0]).toMatchObject({ state: "running" })
  })

  test("that is opened again replaces the former one", () => {
    expect(
      applyAll([createCall("call_1"), createApproval("call_1"), createApproval("call_1")]).waits,
    ).toHaveLength(1)
  })

  test("of a client tool opens with the nonce", () => {
    expect(applyAll([createCall("call_1")]).waits).toEqual([])
    expect(applyAll([createCall("call_1"), createCall("call_1", "n")]).waits).toMatchObject([
      { kind: "clientTool" },
    ])
  })

  test("does not outlive its run", () => {
    expect(applyAll([createCall("call_1"), createApproval("call_1"), ended]).waits).toEqual([])
  })
})

test("a run ends as its last event says, and usage adds up", () => {
  expect(applyAll([createText("a"), turn, turn, ended])).toMatchObject({
    isRunning: false,
    ended: { outcome: "completed", reason: null },
    usage: { input_tokens: 20, estimated_cost: 1 },
  })
  expect(applyAll([createText("a"), failed]).ended).toEqual({
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
  const view = applyAll([createText("a")])
  const unknown = { type: "from_the_future", cursor: 7 } as unknown as SentEvent
  expect(applyEvent(view, unknown)).toEqual({ ...view, cursor: 7 })
})

test("the next run answers the first queued message", () => {
  const queued = { key: "k", run_id: "run_2", content: "And then?", steers: false, message_id: null }
  const busy = applyAll([createText("a")], { ...addUserMessage(emptyView, "Go"), queued: [queued] })
  expect(busy.messages).toHaveLength(2)
  const next = applyAll([ended, createText("b")], busy)
  expect(next.queued).toEqual([])
  expect(next.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"])
})

test("the first queued message is next if the former run was stopped right after a message of the user", () => {
  const queued = { key: "k", run_id: "run_2", content: "And then?", steers: false, message_id: null }
  const content = [{ type: "text", text: "Hurry!" }] as const
  const stopped = { ...ended, terminal_disposition: "interrupted", reason: "cancelled" } as const
  const next = applyAll(
    [createText("a"), { type: "user_message_added", content }, stopped, createText("b")],
    {
      ...addUserMessage(emptyView, "Go"),
      queued: [queued],
    },
  )
  expect(next.queued).toEqual([])
  expect(next.messages.map(({ role }) => role)).toEqual([
    "user",
    "assistant",
    "user",
    "assistant",
    "user",
    "assistant",
  ])
})

test("a steering message that another page has withdrawn disappears at the end of the run", () => {
  const sending = { key: "b", run_id: null, content: "Then?", steers: true, message_id: null }
  const steering = { key: "a", run_id: "run_1", content: "Shorter!", steers: true, message_id: "7" }
  const busy = { ...addUserMessage(emptyView, "Go"), queued: [steering, sending] }
  expect(applyAll([createText("a"), ended], busy).queued).toEqual([sending])
})

test("a steering message joins the run, and a withdrawn one disappears", () => {
  const steering = { key: "a", run_id: "run_1", content: "Shorter!", steers: true, message_id: null }
  const withdrawn = { key: "b", run_id: "run_2", content: "Later", steers: false, message_id: null }
  const busy = applyAll([createText("a"), turn], {
    ...addUserMessage(emptyView, "Go"),
    queued: [withdrawn, steering],
  })
  const content = [{ type: "text", text: "Shorter!" }] as const
  const after = applyAll(
    [{ type: "user_message_added", content }, createText("b"), { type: "run_withdrawn", run_id: "run_2" }],
    busy,
  )
  expect(after.queued).toEqual([])
  expect(after.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"])
})
