import { expect, test } from "vitest"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import {
  applyAll,
  createApproval,
  createCall,
  createDone,
  createText,
  createToolCallBlock,
  ended,
  history,
  retry,
  turn,
} from "../fixtures/view-events.ts"
import type { SentEvent } from "../follow.ts"
import { emptyView } from "./view.ts"
import { viewOfHistory } from "./view-of-history.ts"
import { addUserMessage } from "./view-state.ts"

test("a history with the events after it gives the same view as the whole stream", () => {
  const view = viewOfHistory({
    ...history,
    messages: [
      { role: "user", content: [{ type: "text", text: "Go" }] },
      { role: "assistant", content: [{ type: "text", text: "One." }, createToolCallBlock("call_1")] },
      { role: "tool", content: [{ type: "tool_result", tool_call_id: "call_1", result: 42, error: null }] },
      { role: "assistant", content: [{ type: "text", text: "Two." }, createToolCallBlock("call_2")] },
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
  const after = applyAll(
    [createCall("call_2"), createApproval("call_2"), createDone("call_2"), turn, createText("Three.")],
    view,
  )
  expect(after.messages.map(({ role }) => role)).toEqual(["user", "assistant"])
  expect(after.messages[1]?.parts).toMatchObject([
    { text: "One." },
    { tool_call_id: "call_1", state: "completed" },
    { text: "Two." },
    { tool_call_id: "call_2", state: "completed" },
    { text: "Three." },
  ])
})

test("a summary leaves the same mark in the stream and in the history", () => {
  const tokens = { chars: 9, tokens_before: 90, tokens_after: 30 }
  const summarized: SentEvent = { type: "compaction", ...tokens, cursor: 7 }
  const live = applyAll(
    [summarized, createText("One."), retry, createText("Two."), turn, ended],
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
  const mark = { chars: 9, tokens_before: 90, tokens_after: 30 }
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
    steering_messages: [{ message_id: "7", content: say("Faster.") }],
  })
  expect(view.queued.map(({ run_id, content, message_id }) => [run_id, content, message_id])).toEqual([
    ["run_1", say("Faster."), "7"],
    ["run_2", say("Then."), null],
    ["run_3", [], null],
  ])
  const steered: ChatEvent = { type: "user_message_added", content: say("Faster.") }
  const after = applyAll([createText("One."), steered, createText("Two."), ended, createText("Three.")], view)
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

test("a loaded call has its duration, the end of its output, and its sub-agents without their turns", () => {
  const view = viewOfHistory({
    ...history,
    active_run: null,
    messages: [
      { role: "user", content: [{ type: "text", text: "Go" }] },
      { role: "assistant", content: [createToolCallBlock("call_1")] },
      {
        role: "tool",
        content: [
          {
            ...{ type: "tool_result", tool_call_id: "call_1", result: 42, error: null },
            ...{ duration_ms: 70, server: "files", output: [{ stream: "stderr", text: "built" }] },
            sub_agents: [{ sub_agent_id: "sess_a", agent_name: "worker" }],
          },
        ],
      },
    ],
  })
  expect(view.messages[1]?.parts).toMatchObject([
    { duration_ms: 70, server: "files", output: [{ stream: "stderr", text: "built" }], state: "completed" },
  ])
  expect(view.subAgents).toMatchObject([
    {
      ...{ sub_agent_id: "sess_a", agent_name: "worker", tool_call_id: "call_1", partial: true },
      view: { isRunning: false, messages: [], ended: { outcome: "completed" } },
    },
  ])
})
