import { expect, test } from "vitest"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { HistoryMessage } from "../../core/wire/messages.ts"
import { countEntries } from "../fixtures/count-entries.ts"
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
import { applyEvent } from "./apply-event.ts"
import { emptyView } from "./view.ts"
import { viewOfHistory } from "./view-of-history.ts"
import { addUserMessage, changeView } from "./view-state.ts"

const steer: ChatEvent = { type: "user_message_added", content: [{ type: "text", text: "And?" }] }
const below = (event: ChatEvent): ChatEvent => ({ ...event, sub_agent_id: "sess_a" })
const allowed = (id: string): ChatEvent => ({
  ...{ type: "approval_resolved", tool_call_id: id, approved: true, edited: false, decided_by: "ann" },
})
const started: ChatEvent = {
  ...{ type: "sub_agent_start", sub_agent_id: "sess_a", agent_name: "worker" },
  ...{ tool_call_id: "call_1", parent_sub_agent_id: null, turn: 1 },
}
const output = (at: number): ChatEvent => ({
  ...{ type: "tool_output_chunk", tool_call_id: "call_0", tool_name: "shell", text: "x", seq: at },
  stream: at % 2 === 0 ? "stdout" : "stderr",
})
const input = (id: string): ChatEvent => {
  return { type: "tool_input_delta", tool_call_id: id, tool_name: "shell", text: "{" }
}

/** Returns the events of one round, of which a run has many. */
type Round = (at: number) => readonly ChatEvent[]

const runs: Readonly<Record<string, Round>> = {
  "one text": () => [createText("word ")],
  "many turns with calls": (at) => [createText("a"), createCall(`c${at}`), createDone(`c${at}`), turn],
  "many calls in one turn": (at) => [input(`c${at}`), createCall(`c${at}`), createDone(`c${at}`)],
  "calls that need approval": (at) => [createCall(`c${at}`), createApproval(`c${at}`), allowed(`c${at}`)],
  "many messages": () => [createText("a"), turn, steer],
  "many runs": () => [createText("a"), turn, ended],
  "discarded texts": (at) => [createText("a"), retry, createText("b"), createCall(`c${at}`), turn],
  "output of alternating streams": (at) => [...(at === 0 ? [createCall("call_0")] : []), output(at)],
  "a sub-agent": (at) => [
    ...(at === 0 ? [createCall("call_1"), started] : []),
    ...[below(createText("a")), below(createCall(`c${at}`)), below(createDone(`c${at}`)), below(turn)],
  ],
}

/** Returns the average work for each of the last 200 rounds of a run. */
function workAtEndOf(round: Round, rounds: number): number {
  const events = Array.from({ length: rounds }, (_, at) => round(at))
  const last = events.splice(-200).flat()
  const view = applyAll(events.flat(), addUserMessage(emptyView, "Go"))
  return countEntries(() => void applyAll(last, view)) / 200
}

test.each(Object.entries(runs))("an event takes as little work in a long run: %s", (_, round) => {
  const [short, long] = [workAtEndOf(round, 1_200), workAtEndOf(round, 20_000)]
  // A list of 16 times the length may have one more level of 32 entries, and a round changes a few lists.
  expect(long - short).toBeLessThan(200)
  // The entries of a call's output, at most 1 000, are copied.
  expect(long).toBeLessThan(round === runs["output of alternating streams"] ? 2_500 : 400)
})

test("a stored conversation takes work in proportion to its length", () => {
  const messagesOf = (turns: number) =>
    Array.from({ length: turns }, (_, at): readonly HistoryMessage[] => [
      { role: "assistant", content: [{ type: "text", text: "a" }, createToolCallBlock(`c${at}`)] },
      {
        role: "tool",
        content: [{ type: "tool_result", tool_call_id: `c${at}`, result: 1, error: null }],
      },
    ]).flat()
  const [short, long] = [1_000, 16_000].map((turns) => {
    const messages = messagesOf(turns)
    return countEntries(() => void viewOfHistory({ ...history, messages })) / turns
  })
  expect(long).toBeLessThan(2 * (short ?? 0))
})

test("a view stays as it is while later ones are made from it", () => {
  const rounds = Array.from({ length: 100 }, (_, at) => runs["discarded texts"]?.(at) ?? []).flat()
  const views = [addUserMessage(emptyView, "Go")]
  for (const event of rounds) views.push(applyEvent(views.at(-1) ?? emptyView, event))
  const seen = views.map((view) => JSON.stringify(view))
  const other = views.map((view) => applyEvent(applyEvent(view, createText("other")), createCall("other")))
  expect(other).toHaveLength(views.length)
  expect(views.map((view) => JSON.stringify(view))).toEqual(seen)
})

test("parts and messages that an event does not change stay the same objects", () => {
  const before = applyAll([createText("a"), createCall("c"), turn, steer, createText("b"), createCall("d")])
  const after = applyEvent(before, createDone("d"))
  expect(after.messages.slice(0, 2).every((message, at) => message === before.messages[at])).toBe(true)
  expect(after.messages[2]?.parts[0]).toBe(before.messages[2]?.parts[0])
  expect(after.messages[2]?.parts[1]).not.toBe(before.messages[2]?.parts[1])
  expect(after.messages).toBe(after.messages)
})

test("a copy of a view continues like the view", () => {
  const events = [
    createText("a"),
    createCall("c"),
    turn,
    createText("b"),
    retry,
    createText("d"),
    createDone("c"),
  ]
  const copied = events.reduce((view, event) => ({ ...applyEvent(view, event) }), emptyView)
  expect(copied).toEqual(applyAll(events))
  const shortened = { ...copied, messages: [] }
  expect(applyEvent(shortened, createText("e")).messages).toMatchObject([{ parts: [{ text: "e" }] }])
  expect(changeView(copied, { notice: "Wait." }).messages).toEqual(copied.messages)
})
