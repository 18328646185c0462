import { expect, test, vi } from "vitest"
import type { Event, EventEntry } from "../../core/log/entries.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import { toAnnouncedRunId } from "../../core/runs/background-task.ts"
import { noSpending } from "../../core/usage.ts"
import { runStarted } from "../../testing/session-log/fixtures.ts"
import { createSessionSkills } from "./loaded-skills.ts"

const signal = new AbortController().signal

function entries(...events: readonly Event[]): readonly EventEntry[] {
  return events.map((event, index) => toEntry(event, index + 1))
}

function toEntry(event: Event, seq: number, runId = "run_1"): EventEntry {
  return { kind: "event", seq, v: 3, at: 0, runId, event }
}

function completed(name: string, result: ToolResult, server: string | null = null): Event {
  const facts = { toolCallId: "call_1", durationMs: 0, executionLocation: "backend" } as const
  return { type: "toolCallCompleted", name, result, server, ...facts }
}

const text = (value: string): ToolResult => ({ type: "content", content: [{ type: "text", text: value }] })
const loading = (skill: string, more: object = {}) =>
  completed("load_skill", text(JSON.stringify({ skill, digest: "d", ...more })))
const replaced: Event = { type: "historyReplaced", messages: [] }

async function namesAfter(...events: readonly Event[]): Promise<readonly string[]> {
  const all = entries(...events)
  const sessionSkills = createSessionSkills(async (_id, afterSeq) => all.filter(({ seq }) => seq > afterSeq))
  return (await sessionSkills("sess_1", { signal })).map(({ name }) => name)
}

test("loading adds a skill, unloading removes it, and loading again keeps one", async () => {
  const unloading = completed("unload_skill", { type: "json", value: { unloaded: "a" } })
  expect(await namesAfter(loading("a"), loading("b"), loading("a"))).toEqual(["b", "a"])
  expect(await namesAfter(loading("a"), loading("b"), unloading)).toEqual(["b"])
})

test("a client's history has no loaded skills", async () => {
  expect(await namesAfter(loading("a"), replaced, loading("b"))).toEqual(["b"])
})

test("a superseded run has loaded and unloaded no skills", async () => {
  const unloading = completed("unload_skill", { type: "json", value: { unloaded: "a" } })
  const forked: Event = {
    type: "historyForked",
    reason: "edit",
    supersededRunId: "run_1",
    fromSeq: 3,
    spent: noSpending,
  }
  const started: Event = { ...runStarted, superseded: [{ fromSeq: 3, toSeq: 5 }] }
  const log = [runStarted, loading("a"), runStarted, unloading, loading("b"), forked, started]
  expect(await namesAfter(...log)).toEqual(["a"])
  expect(await namesAfter(...log, loading("c"))).toEqual(["a", "c"])
})

test.each([
  ["a failed call", completed("load_skill", { type: "error", code: "unknown_skill", message: "" })],
  ["a server's tool of that name", completed("load_skill", text('{"skill":"a"}'), "server")],
  ["another tool", completed("other", text('{"skill":"a"}'))],
  ["a result of another form", completed("load_skill", text("[1]"))],
  ["a refused unloading", completed("unload_skill", { type: "error", code: "skill_in_use", message: "" })],
])("%s changes nothing", async (_name, event) => {
  expect(await namesAfter(loading("b"), event)).toEqual(["b"])
})

test("limits follow the log, and only new entries are read", async () => {
  const all = [...entries(loading("a", { allowed_tools: ["x"], excluded_tools: ["y"], persist_state: true }))]
  const read = vi.fn(async (_id: string, afterSeq: number) =>
    all.filter(({ seq }) => seq > afterSeq).slice(0, 2),
  )
  const sessionSkills = createSessionSkills(read)
  const first = await sessionSkills("sess_1", { signal })
  expect(first).toEqual([
    { name: "a", digest: "d", allowed: ["x"], excluded: ["y"], persistState: true, hasNewMessage: false },
  ])
  read.mockClear()
  all.push(...entries(loading("a"), loading("b"), loading("c"), loading("d")).slice(1))
  const now = await sessionSkills("sess_1", { signal })
  expect(now.map(({ name }) => name)).toEqual(["a", "b", "c", "d"])
  expect(read.mock.calls.map(([, afterSeq]) => afterSeq)).toEqual([1, 3, 4])
  const earlier = await sessionSkills("sess_1", { signal, upToSeq: 2 })
  expect(earlier.map(({ name }) => name)).toEqual(["a", "b"])
})

test("a message of a later run is noted, and the announcement of a background task is not", async () => {
  const all = [...entries(loading("a"))]
  const sessionSkills = createSessionSkills(async (_id, afterSeq) => all.filter(({ seq }) => seq > afterSeq))
  const read = async () =>
    (await sessionSkills("sess_1", { signal })).map(({ hasNewMessage }) => hasNewMessage)
  all.push(toEntry(runStarted, 2, toAnnouncedRunId("task_1")))
  expect(await read()).toEqual([false])
  all.push(toEntry(runStarted, 3, "run_2"))
  expect(await read()).toEqual([true])
  all.push(toEntry(loading("a"), 4, "run_2"))
  expect(await read()).toEqual([false])
})

test("reading stops when the signal aborts", async () => {
  const sessionSkills = createSessionSkills(async () => [])
  await expect(sessionSkills("sess_1", { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow(
    "stop",
  )
})
