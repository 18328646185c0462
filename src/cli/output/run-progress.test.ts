import { expect, it } from "vitest"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import { createProgressPrinter } from "./run-progress.ts"

const usage = {
  ...{ input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  estimated_cost: null,
}

function linesOf(...events: readonly ChatEvent[]): string {
  const written: string[] = []
  const stderr = { write: (text: string) => written.push(text) }
  const print = createProgressPrinter({ stderr } as never, () => {})
  for (const event of events) print(event)
  return written.join("")
}

it("prints what a run waits for", () => {
  const message = "Waiting for the MCP server github to start."
  expect(linesOf({ type: "status", run_id: "run_1", message })).toBe(`${message}\n`)
})

it("prints the starts of sub-agents, what they do, and the starts and ends of background tasks", () => {
  const start = {
    type: "sub_agent_start",
    agent_name: "research",
    parent_sub_agent_id: null,
    turn: 1,
  } as const
  const task = { task_id: "task_1", agent_name: "writer" }
  const lines = linesOf(
    { ...start, sub_agent_id: "sess_1", tool_call_id: "call_1" },
    { type: "text_delta", text: "Never printed.", sub_agent_id: "sess_1" },
    {
      ...{ type: "tool_call_start", sub_agent_id: "sess_1", tool_call_id: "call_2", tool_name: "search" },
      ...{ tool_input: { q: "x" }, execution_location: "backend", call_index: 0 },
    },
    { type: "task_registered", ...task, description: "Write it.", tool_call_id: "call_3" },
    { ...start, sub_agent_id: "sess_2", tool_call_id: "call_3", task_id: "task_1" },
    { type: "task_progress", ...task, turn: 1, tool_name: null, usage },
    { type: "task_completed", ...task, disposition: "completed", result: "Done.", usage },
    {
      ...{ type: "task_completed", ...task, disposition: "failed", usage },
      error: { code: "no_key", message: "There is no key." },
    },
  )
  expect(lines.trimEnd().split("\n")).toEqual([
    "[research] starts to work",
    'sub-agent [search] {"q":"x"}',
    "[writer] works in the background: Write it.",
    "[writer] background task completed",
    "[writer] background task failed: There is no key. (no_key)",
  ])
})
