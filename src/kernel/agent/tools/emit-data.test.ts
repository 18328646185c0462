import { describe, expect, it } from "vitest"
import type { DataEmitted } from "../../../core/log/entries.ts"
import type { EmittedData, ToolContext } from "../../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

const data = (name: string, value: unknown, transient?: boolean) => {
  return { type: "data", name, value, ...(transient !== undefined && { transient }) } as EmittedData
}

/** Returns a run whose model calls `work` once. The tool calls the given function with its context. */
function runOf(work: (context: ToolContext) => unknown): MemoryRun {
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "work", input: {} }],
  )
  const tool = createAnyTool("work", async (_, context) => {
    await work(context)
    return { type: "json", value: "worked" }
  })
  return createMemoryRun(provider, { tools: [tool] })
}

const emitted = ({ events }: MemoryRun) =>
  events.filter((event): event is DataEmitted => event.type === "dataEmitted")
const resultOf = ({ events }: MemoryRun) => events.find((event) => event.type === "toolCallCompleted")?.result

describe("data that a tool emits", () => {
  it("is logged in its order between the call's start and its result", async () => {
    const run = runOf(({ emit }) => {
      emit(data("progress", { done: 1 }))
      emit("plain output")
      emit(data("progress", { done: 2 }))
    })
    await runLoop(run.context)
    expect(emitted(run)).toEqual([
      {
        type: "dataEmitted",
        toolCallId: expect.stringMatching(/^call_/),
        name: "progress",
        value: { done: 1 },
      },
      {
        type: "dataEmitted",
        toolCallId: expect.stringMatching(/^call_/),
        name: "progress",
        value: { done: 2 },
      },
    ])
    const types = run.events.map(({ type }) => type)
    expect(types.slice(types.indexOf("toolCallStarted"), types.indexOf("toolCallCompleted") + 1)).toEqual([
      "toolCallStarted",
      "dataEmitted",
      "dataEmitted",
      "toolCallCompleted",
    ])
    expect(run.deltas.filter(({ type }) => type === "toolOutput")).toMatchObject([
      { type: "toolOutput", text: "plain output" },
    ])
    expect(run.shown).toEqual([])
  })

  it("is shown and not logged if it is transient", async () => {
    const run = runOf(({ emit }) => emit(data("progress", 1, true)))
    await runLoop(run.context)
    expect(run.shown).toMatchObject([{ name: "progress", value: 1 }])
    expect(emitted(run)).toEqual([])
  })

  it("is a copy, as JSON has it", async () => {
    const value = { at: new Date(0), left: undefined, list: [1] }
    const run = runOf(({ emit }) => {
      emit(data("state", value))
      value.list.push(2)
    })
    await runLoop(run.context)
    expect(emitted(run)[0]?.value).toEqual({ at: "1970-01-01T00:00:00.000Z", list: [1] })
  })

  it("does not reach the model", async () => {
    const run = runOf(({ emit }) => emit(data("secret_progress", 1)))
    await runLoop(run.context)
    expect(JSON.stringify(run.context.conversation.messages)).not.toContain("secret_progress")
  })

  it("is ignored once the call is over", async () => {
    let late = (_: EmittedData) => {}
    const run = runOf(({ emit }) => {
      late = emit
    })
    await runLoop(run.context)
    late(data("late", 1))
    late(data("not a name", 1))
    expect(emitted(run)).toEqual([])
    expect(run.shown).toEqual([])
  })
})

/** Contains itself twice, so a complete traversal never ends. */
const cyclic: unknown[] = []
cyclic.push(cyclic, cyclic)
const deep = JSON.parse(`${"[".repeat(200)}${"]".repeat(200)}`)

describe("data is refused, and the model receives the reason,", () => {
  it.each<[string, EmittedData]>([
    ["without a name", data("", 1)],
    ["with a name that is no text", data(7 as unknown as string, 1)],
    ["with a name of a wrong form", data("two words", 1)],
    ["with a name that is too long", data("n".repeat(65), 1)],
    ["with a function as its value", data("n", { f: () => 1 })],
    ["with a number that JSON cannot hold", data("n", [Number.NaN])],
    ["with a value that holds itself", data("n", cyclic)],
    ["with a value that nests too deep", data("n", deep)],
    ["with a value that is too large", data("n", "x".repeat(65_536))],
    ["with a value that is too large as JSON", data("n", { toJSON: () => "x".repeat(65_536) })],
    ["with a transient that is neither true nor false", data("n", 1, "yes" as unknown as boolean)],
  ])("%s", async (_, given) => {
    const run = runOf(({ emit }) => emit(given))
    await runLoop(run.context)
    expect(resultOf(run)).toMatchObject({ type: "error", code: "invalid_data" })
    expect(emitted(run)).toEqual([])
  })

  it("if the call emits too many events", async () => {
    const run = runOf(({ emit }) => {
      for (let count = 0; count < 1_001; count++) emit(data("n", count))
    })
    await runLoop(run.context)
    expect(resultOf(run)).toMatchObject({ type: "error", code: "too_much_data" })
    expect(emitted(run)).toHaveLength(1_000)
  })

  it("if the call emits too much in all its executions together", async () => {
    let executions = 0
    const provider = scriptedProvider((request) =>
      request.messages.at(-1)?.role === "tool"
        ? [{ type: "text", text: "Done" }]
        : [{ type: "toolCall", name: "work", input: {} }],
    )
    const tool = createAnyTool("work", (_, { emit }) => {
      executions += 1
      for (let count = 0; count < 6; count++) emit(data("n", "x".repeat(60_000)))
      return { type: "wait", kind: "timer", until: 0, continuation: {} }
    })
    const run = createMemoryRun(provider, { tools: [tool] })
    await runLoop(run.context)
    expect(executions).toBe(3)
    expect(emitted(run)).toHaveLength(16)
    expect(resultOf(run)).toMatchObject({ type: "error", code: "too_much_data" })
  })
})
