import { describe, expect, it } from "vitest"
import type { Event } from "../../../core/log/entries.ts"
import {
  createMessage,
  createText,
  runCompleted,
  runStarted,
  stepStarted,
} from "../../../http/fixtures/entries.ts"
import type { SubAgent } from "../../../kernel/sessions/tree/sub-agent.ts"
import {
  asking,
  calls,
  clientWait,
  content,
  entry,
  log,
  opened,
  request,
  resolved,
  rest,
  result,
  stepCompleted,
  types,
  wait,
} from "../fixtures/entries.ts"
import { eventsOf, judge, replay } from "../fixtures/judge.ts"
import { renderRun, renderStream } from "../fixtures/render.ts"

describe("a question", () => {
  it("ends the run with an interrupt that has the schema and the time limit of its answer", async () => {
    const read = renderRun(log(asking), { end: { type: "parked", waits: [wait] } })
    await judge(read)
    expect(read.at(-1)?.event).toMatchObject({
      outcome: {
        type: "interrupt",
        interrupts: [
          {
            ...{ id: "wait_1", reason: "tool_call", toolCallId: "call_1" },
            expiresAt: "1970-01-01T00:01:00.000Z",
            responseSchema: { properties: { editedArgs: { properties: { sum: { type: "number" } } } } },
            metadata: { kind: "approval", toolName: "pay", input: { sum: 5 } },
          },
        ],
      },
    })
  })

  it("names the operator as the only one who may answer", () => {
    const { payload, ...rest } = wait
    const ofOperator = { ...rest, payload: { ...payload, approvalsBy: "operator" } } as typeof wait
    const read = renderRun(log(asking), { end: { type: "parked", waits: [ofOperator] } })
    expect(read.at(-1)?.event).toMatchObject({
      outcome: {
        interrupts: [{ metadata: { approvalsBy: "operator", toolName: "pay", input: { sum: 5 } } }],
      },
    })
    expect(JSON.stringify(read.at(-1)?.event)).not.toContain('"kind"')
  })

  it("and its answer are two runs for the client that answers, and one for a client that joins", async () => {
    const first = renderRun(log(asking), { end: { type: "parked", waits: [wait] } })
    const entries = log({ ...asking, 6: resolved("second"), ...rest })
    const second = renderRun(entries, { runId: "second", from: 5 })
    await judge(second)
    expect(types(second)).toEqual(["RUN_STARTED", "CUSTOM", "TOOL_CALL_RESULT", "RUN_FINISHED"])
    const whole = renderRun(entries, { isWhole: true })
    await judge(whole)
    expect(await replay([eventsOf(first), eventsOf(second)])).toEqual(await replay([eventsOf(whole)]))
  })

  it("ends the stream of the run that asked, when that run is shown again after the answer", async () => {
    const first = renderRun(log(asking), { end: { type: "parked", waits: [wait] } })
    const again = renderRun(log({ ...asking, 6: resolved("second"), ...rest }))
    await judge(again)
    expect(types(again)).toEqual(types(first))
    expect(again.at(-1)?.event).toMatchObject({
      outcome: { type: "interrupt", interrupts: [{ id: "wait_1" }] },
    })
  })

  it("that another protocol answered does not end the run", async () => {
    const read = renderRun(log({ ...asking, 6: resolved(), ...rest }))
    await judge(read)
    expect(types(read).slice(-3)).toEqual(["TOOL_CALL_RESULT", "STEP_FINISHED", "RUN_FINISHED"])
  })

  it("continues at its answer although the log only names the segment", async () => {
    const entries = log({ ...asking, 6: resolved("second"), ...rest })
    const read = renderRun(entries, { runId: "second", from: 5 })
    for (const [index, { id }] of read.slice(0, -1).entries()) {
      const more = renderRun(entries, { runId: "second", from: Number.MAX_SAFE_INTEGER, lastEventId: id })
      expect([id, [...read.slice(0, index + 1), ...more]]).toEqual([id, read])
    }
  })
})

describe("a tool of the client", () => {
  const start = { 1: runStarted, 2: stepStarted, 3: calls, 4: request("client") }

  it("ends the run as a success that names the call", async () => {
    const read = renderRun(log(start), { end: { type: "parked", waits: [clientWait] } })
    await judge(read)
    expect(read.at(-1)?.event).toMatchObject({ outcome: { type: "success", pendingToolCallIds: ["call_1"] } })
  })

  it("has its result shown to all but the client that sent it", () => {
    const answered: Event = {
      ...{
        type: "waitResolved",
        waitId: "wait_1",
        toolCallId: "call_1",
        decidedBy: null,
        kind: "clientTool",
      },
      ...{ resolution: {}, segment: { wire: "ag-ui", id: "second" } },
    }
    const entries = log({ ...start, 5: answered, 6: result("client"), 7: stepCompleted, 8: runCompleted })
    expect(types(renderRun(entries, { runId: "second", from: 4 }))).not.toContain("TOOL_CALL_RESULT")
    expect(types(renderRun(entries, { isWhole: true, isAuthor: false }))).toContain("TOOL_CALL_RESULT")
  })
})

describe("a sub-agent", () => {
  const child: SubAgent = {
    ...{
      sessionId: "sess_a",
      runId: "run_2",
      name: "worker",
      parentSessionId: "sess_1",
      toolCallId: "call_1",
    },
    ...{ isDirect: true, taskId: null, isNew: true, afterSeq: 0, turn: 1, startedAt: 0 },
  }
  const below: SubAgent = { ...child, sessionId: "sess_b", parentSessionId: "sess_a", isDirect: false }
  const start = log({ 1: runStarted, 2: stepStarted, 3: calls, 4: request("backend") })
  const own = [...log({ 1: runStarted, 2: stepStarted }), entry(3, createText("Hi"))]

  it("is shown with its text, below the call that it works for", async () => {
    const done = log({
      4: createMessage([{ type: "text", text: "Hi" }], 3),
      5: stepCompleted,
      6: runCompleted,
    })
    const read = renderStream([
      start,
      { subAgent: child, entries: [] },
      { subAgent: child, entries: own },
      { subAgent: below, entries: [] },
      { subAgent: below, entries: [entry(3, runCompleted)] },
      { subAgent: child, entries: done },
      log({ 5: result("backend"), 6: stepCompleted, 7: runCompleted }),
    ])
    // Both sessions of this test use the same ids of messages.
    await judge(read)
    expect(eventsOf(read).filter(({ type }) => type.startsWith("SUBAGENT"))).toEqual([
      { type: "SUBAGENT_STARTED", subagentRunId: "sess_a", name: "worker", parentToolCallId: "call_1" },
      {
        ...{ type: "SUBAGENT_STARTED", subagentRunId: "sess_b", name: "worker", parentToolCallId: "call_1" },
        parentSubagentRunId: "sess_a",
      },
      { type: "SUBAGENT_FINISHED", subagentRunId: "sess_b", outcome: { type: "success" } },
      { type: "SUBAGENT_FINISHED", subagentRunId: "sess_a", outcome: { type: "success" } },
    ])
    expect(eventsOf(read)).toContainEqual(
      expect.objectContaining({ type: "TEXT_MESSAGE_CONTENT", delta: "Hi", subagentRunId: "sess_a" }),
    )
  })

  it("is suspended when it asks, and the interrupt names it", async () => {
    const asked = [...own, ...log({ 4: createMessage([{ type: "text", text: "Hi" }], 3), 5: opened })]
    const read = renderStream(
      [start, { subAgent: child, entries: [] }, { subAgent: child, entries: asked }],
      {
        end: { type: "parked", waits: [{ ...wait, sessionId: "sess_a" }] },
      },
    )
    await judge(read)
    expect(eventsOf(read).slice(-2)).toMatchObject([
      {
        ...{ type: "SUBAGENT_FINISHED", subagentRunId: "sess_a" },
        outcome: { type: "suspended", interruptIds: ["wait_1"] },
      },
      { type: "RUN_FINISHED", outcome: { type: "interrupt", interrupts: [{ subagentRunId: "sess_a" }] } },
    ])
  })

  it("repeats nothing in the run that its answer starts", async () => {
    const known = { ...child, isNew: false, afterSeq: 1 }
    const asked = [
      ...own.slice(1),
      ...log({ 4: createMessage([{ type: "text", text: "Hi" }], 3), 5: opened }),
    ]
    const read = renderStream(
      [
        start,
        { subAgent: known, entries: [] },
        { subAgent: known, entries: [...asked, entry(6, resolved("second"))] },
      ],
      { runId: "second", from: 4, end: { type: "parked", waits: [{ ...wait, sessionId: "sess_a" }] } },
    )
    expect(content(read)).toBe("")
    expect(types(read)).toEqual([
      "RUN_STARTED",
      "SUBAGENT_STARTED",
      "CUSTOM",
      "SUBAGENT_FINISHED",
      "RUN_FINISHED",
    ])
  })

  it("is shown by its progress if it works in the background", async () => {
    const task = { ...child, taskId: "task_1" }
    const progress = { taskId: "task_1", name: "worker", turn: 2, toolName: null, spent: null }
    const read = renderStream([
      start,
      { subAgent: task, entries: [] },
      { subAgent: task, entries: [entry(5, opened)] },
      { progress },
      log({ 5: result("backend"), 6: stepCompleted, 7: runCompleted }),
    ])
    await judge(read)
    expect(types(read).filter((type) => type.startsWith("SUBAGENT"))).toEqual([])
    expect(eventsOf(read)).toContainEqual(
      expect.objectContaining({ name: "gateway.task_progress", value: expect.objectContaining({ turn: 2 }) }),
    )
  })
})
