import { expect, it, vi } from "vitest"
import { createAnyTool, createMemoryRun } from "../../kernel/agent/fixtures/memory-run.ts"
import { runLoop } from "../../kernel/agent/loop.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createHookObserver } from "./hook-observer.ts"

const call = (name: string) => ({ type: "toolCall", name, input: {} }) as const
const error = vi.fn()
const logger = { debug() {}, info() {}, warn() {}, error }

it("passes on usage, results, timing and every event, and a hook that throws is called again", async () => {
  const heard: string[] = []
  const note = (name: string) => () => {
    heard.push(name)
    throw new Error("broken hook")
  }
  const observer = createHookObserver(
    {
      onUsage: note("usage"),
      onRunUsage: note("runUsage"),
      onToolResult: note("result"),
      onToolTiming: note("timing"),
      onEvent: note("event"),
    },
    logger,
  )
  const run = createMemoryRun(scriptedProvider([[call("t")], [{ type: "text", text: "Done" }]]), {
    tools: [createAnyTool("t", () => ({ type: "json", value: 1 }))],
    observers: observer ?? {},
  })
  await runLoop(run.context)
  expect(heard.filter((name) => name !== "event")).toEqual(["usage", "result", "timing", "usage", "runUsage"])
  expect(heard.filter((name) => name === "event")).toHaveLength(run.events.length - 1)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
  expect(error).toHaveBeenCalledTimes(heard.length)
})

it("is absent without hooks", () => {
  expect(createHookObserver({}, logger)).toBeNull()
})
