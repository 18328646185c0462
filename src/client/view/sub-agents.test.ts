import { expect, test } from "vitest"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { History } from "../../core/wire/messages.ts"
import { createSubAgentEnd } from "../fixtures/view-events.ts"
import type { SentEvent } from "../follow.ts"
import { applyEvent } from "./apply-event.ts"
import { type ChatView, emptyView } from "./view.ts"
import { viewOfHistory } from "./view-of-history.ts"
import { addUserMessage } from "./view-state.ts"

const usage = {
  input_tokens: 10,
  output_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  estimated_cost: 0.5,
}
const text = (value: string): ChatEvent => ({ type: "text_delta", text: value })
const turn = (number: number): ChatEvent => ({ type: "turn_complete", turn: number, usage })
const ended: ChatEvent = { type: "stream_complete", usage, terminal_disposition: "completed" }
const call = (id: string, name = "run_agent"): ChatEvent => ({
  ...{ type: "tool_call_start", tool_call_id: id, tool_name: name, tool_input: {} },
  ...{ execution_location: "backend", call_index: 0 },
})
const done = (id: string, name = "run_agent"): ChatEvent => ({
  ...{ type: "tool_call_complete", tool_call_id: id, tool_name: name, result: 42, error: null },
  ...{ duration_ms: 7, server: null, execution_location: "backend" },
})
const approval = (id: string, nonce = "n"): ChatEvent => ({
  ...{ type: "tool_approval_request", tool_call_id: id, nonce, expires_at: 1, tool_name: "erase" },
  ...{ server: null, tool_input: {}, resolved_qualifier: null, reason: null },
})
const allowed = (id: string): ChatEvent => ({
  ...{ type: "approval_resolved", tool_call_id: id, approved: true, edited: false, decided_by: "ann" },
})
const below = (id: string, event: ChatEvent): ChatEvent => ({ ...event, sub_agent_id: id })
const progress = (number: number, tool: string | null): ChatEvent => ({
  ...{ type: "task_progress", task_id: "task_1", agent_name: "worker", turn: number, tool_name: tool, usage },
})
const registered: ChatEvent = {
  ...{ type: "task_registered", task_id: "task_1", agent_name: "worker" },
  ...{ description: "Look.", tool_call_id: "call_t" },
}
const completed: ChatEvent = {
  ...{ type: "task_completed", task_id: "task_1", agent_name: "worker", disposition: "completed" },
  ...{ result: "Found.", usage },
}

function start(id: string, number: number, { parent = null as string | null, task = "" } = {}): ChatEvent {
  return {
    ...{ type: "sub_agent_start", sub_agent_id: id, agent_name: "worker", tool_call_id: `call_${id}` },
    ...{ parent_sub_agent_id: parent, turn: number },
    ...(task !== "" && { task_id: task }),
  }
}

function applyAll(events: readonly SentEvent[], view: ChatView = addUserMessage(emptyView, "Go")): ChatView {
  return events.reduce(applyEvent, view)
}

/**
 * A run with a sub-agent, a sub-agent of that one, and a background task. Only events of the session have a cursor.
 */
const script: readonly ChatEvent[] = [
  ...[text("I ask "), text("others."), call("call_a"), call("call_t")],
  ...[registered, done("call_t"), start("a", 1), start("t", 1, { task: "task_1" }), progress(1, null)],
  ...[below("a", { type: "thinking_delta", text: "Hm." }), below("a", text("Looking "))],
  ...[below("t", approval("call_e")), below("a", text("around.")), below("a", call("call_b"))],
  ...[start("b", 1, { parent: "a" }), below("b", text("Deep ")), below("b", approval("call_d"))],
  ...[progress(1, "erase"), below("b", allowed("call_d")), below("b", text("below."))],
  ...[below("b", turn(1)), createSubAgentEnd("b"), below("a", done("call_b")), below("a", turn(1))],
  ...[
    below("t", allowed("call_e")),
    below("a", text("It is ")),
    below("a", { type: "stream_retry", attempt: 2, error: "" }),
  ],
  ...[below("a", text("There.")), below("a", turn(2)), createSubAgentEnd("a"), done("call_a"), turn(1)],
  ...[text("Done."), turn(2), ended, progress(2, null), below("t", approval("call_f"))],
  ...[below("t", allowed("call_f")), createSubAgentEnd("t"), completed],
]
const isPassing = (event: ChatEvent) => event.sub_agent_id !== undefined || event.type === "task_progress"
const sent = script.map((event, at): SentEvent => (isPassing(event) ? event : { ...event, cursor: at + 1 }))

/**
 * Returns the events for a client that reconnects at this point. Each open sub-agent starts again with its last turn.
 */
function replayAt(cut: number): readonly SentEvent[] {
  const seen = script.slice(0, cut)
  const startsOf = seen.filter((event) => event.type === "sub_agent_start")
  return startsOf.flatMap((begun) => {
    const own = seen.filter(
      ({ sub_agent_id, type }) => sub_agent_id === begun.sub_agent_id && type !== begun.type,
    )
    if (own.some(({ type }) => type === "sub_agent_end")) return []
    const turns = own.filter(({ type }) => type === "turn_complete").length
    // A turn that has ended stays the last one until the next turn starts.
    const last = own.findLastIndex(({ type }) => type === "turn_complete")
    const isBetween = last !== -1 && last === own.length - 1
    const from = isBetween ? own.findLastIndex(({ type }, at) => type === "turn_complete" && at < last) : last
    const resolved = new Set(
      own.flatMap((event) => (event.type === "approval_resolved" ? [event.tool_call_id] : [])),
    )
    const isOver = (event: ChatEvent) =>
      (event.type === "tool_approval_request" || event.type === "approval_resolved") &&
      resolved.has(event.tool_call_id)
    const first = { ...begun, turn: isBetween ? turns : turns + 1 }
    return [first, ...own.slice(from + 1).filter((event) => !isOver(event))]
  })
}

test("sub-agents are nested by their calls, each with its own conversation", () => {
  const view = applyAll(sent)
  expect(view.subAgents).toMatchObject([
    {
      sub_agent_id: "a",
      tool_call_id: "call_a",
      parent_sub_agent_id: null,
      partial: false,
      view: { isRunning: false },
    },
    { sub_agent_id: "b", tool_call_id: "call_b", parent_sub_agent_id: "a", partial: false },
  ])
  expect(view.subAgents[0]?.view.messages).toMatchObject([
    {
      role: "assistant",
      parts: [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "Looking around." },
        { type: "tool", tool_call_id: "call_b", state: "completed" },
        { type: "text", text: "There." },
      ],
    },
  ])
  expect(view.messages.flatMap(({ parts }) => parts)).toMatchObject([
    ...[{ text: "Go" }, { text: "I ask others." }, { tool_call_id: "call_a" }, { tool_call_id: "call_t" }],
    { text: "Done." },
  ])
  expect(view.tasks).toMatchObject([
    { task_id: "task_1", state: "completed", result: "Found.", tool_call_id: "call_t" },
  ])
  expect(view.waits).toEqual([])
})

test("the view is the same after a cut at any event", () => {
  const whole = comparable(applyAll(sent))
  for (let cut = 1; cut < sent.length; cut++) {
    const events = [...sent.slice(0, cut), ...replayAt(cut), ...sent.slice(cut)]
    expect(comparable(applyAll(events)), `cut after ${cut}`).toEqual(whole)
  }
})

test("the view is the same after two cuts at any two points", () => {
  const whole = comparable(applyAll(sent))
  for (let first = 1; first < sent.length; first++) {
    for (let second = first; second < sent.length; second++) {
      const middle = [...replayAt(first), ...sent.slice(first, second), ...replayAt(second)]
      const events = [...sent.slice(0, first), ...middle, ...sent.slice(second)]
      expect(comparable(applyAll(events)), `cuts after ${first} and ${second}`).toEqual(whole)
    }
  }
})

/** Returns the view without checkpoints, which only serve reconnected streams and differ between them. */
function comparable(view: ChatView) {
  return { ...view, subAgents: view.subAgents.map(({ checkpoints, ...shown }) => shown) }
}

test("a sub-agent with missed turns is marked as partial, and keeps the turns that it has", () => {
  const before = [start("a", 1), below("a", text("One.")), below("a", turn(1)), below("a", text("half"))]
  const view = applyAll([...before, start("a", 4), below("a", text("Four."))])
  expect(view.subAgents).toMatchObject([
    { partial: true, view: { messages: [{ parts: [{ text: "One." }, { text: "Four." }] }] } },
  ])
  expect(applyAll([start("a", 3)]).subAgents).toMatchObject([{ partial: true }])
})

test("a sub-agent whose end was missed ends with its call, at the latest with the run", () => {
  const running = applyAll([call("call_a"), start("a", 1), start("b", 1), below("a", text("x"))])
  const after = applyAll([done("call_a")], running)
  expect(after.subAgents).toMatchObject([
    { sub_agent_id: "a", partial: true, view: { isRunning: false, ended: { outcome: "completed" } } },
    { sub_agent_id: "b", view: { isRunning: true } },
  ])
  expect(applyAll([ended], after).subAgents[1]).toMatchObject({ view: { ended: { outcome: "interrupted" } } })
})

test("waits of a task outlive the run, and end with the task", () => {
  const open = [registered, start("t", 1, { task: "task_1" }), below("t", approval("call_e"))]
  const view = applyAll([text("x"), ...open, turn(1), ended])
  expect(view).toMatchObject({ isRunning: false, waits: [{ tool_call_id: "call_e", sub_agent_id: "t" }] })
  expect(applyAll([completed], view).waits).toEqual([])
  // A wait of a background task does not open a run.
  expect(applyAll([start("u", 1, { task: "task_2" }), below("u", approval("call_g"))]).isRunning).toBe(false)
})

test("a stored conversation has its running tasks, and their waits open no run", () => {
  const task = { task_id: "task_1", agent_name: "worker", description: "Look.", tool_call_id: "call_t" }
  const history: History = {
    ...{
      messages: [],
      queued_runs: [],
      steering_messages: [],
      pending_approvals: [],
      pending_tool_calls: [],
    },
    ...{ pending_elicitations: [], active_run: null, usage, last_seq: 9, has_more: false, before: null },
    running_tasks: [
      {
        ...{ ...task, sub_agent_id: "t", state: "running", reason: null, result: null, error: null },
        ...{ usage: null, collected: false, started_at: 1 },
      },
    ],
  }
  const request = { tool_call_id: "call_e", nonce: "n", expires_at: 1, tool_name: "erase", tool_input: {} }
  const pending = { ...request, server: null, resolved_qualifier: null, reason: null, sub_agent_id: "t" }
  const view = viewOfHistory({ ...history, pending_approvals: [pending] })
  expect(view).toMatchObject({ isRunning: false, tasks: [{ task_id: "task_1", state: "running" }] })
  expect(view.waits).toHaveLength(1)
  expect(applyAll([progress(3, "erase")], view).tasks).toMatchObject([{ turn: 3, tool_name: "erase" }])
  expect(applyAll([completed, progress(4, null)], view)).toMatchObject({ waits: [], tasks: [{ turn: null }] })
})

test("the oldest ended sub-agents are removed", () => {
  const events = Array.from({ length: 130 }, (_, index) => [
    start(`s${index}`, 1),
    ...(index === 0 ? [] : [createSubAgentEnd(`s${index}`)]),
  ]).flat()
  const ids = applyAll(events).subAgents.map(({ sub_agent_id }) => sub_agent_id)
  expect(ids).toHaveLength(100)
  expect(ids[0]).toBe("s0")
  expect(ids.at(-1)).toBe("s129")
})
