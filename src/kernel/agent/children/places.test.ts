import { expect, it } from "vitest"
import type { ChildOutcome } from "../../../core/runs/child.ts"
import { noSpending } from "../../../core/usage.ts"
import { type ScriptedStep, scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { settleCancelled } from "../settle-cancelled.ts"

const done: ChildOutcome = {
  outcome: "completed",
  reason: null,
  response: "Did it.",
  output: null,
  error: null,
  spent: noSpending,
  charged: 0,
}

/** Returns a run whose model calls a tool `count` times in one message, of which two children may work at once. */
function runOf(count: number, options: Parameters<typeof createMemoryRun>[1] = {}) {
  const executions: number[] = []
  const calls = Array.from({ length: count }, (_, index): ScriptedStep => {
    return { type: "toolCall", name: "delegate", input: { index } }
  })
  const provider = scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "tool" ? [{ type: "text", text: "Done." }] : calls,
  )
  const delegate = createAnyTool("delegate", ({ index }, { answered }) => {
    executions.push(Number(index))
    if (answered?.kind === "child") return { type: "json", value: answered.continuation }
    const content = [{ type: "text", text: `Task ${index}.` }] as const
    const continuation = { index: index ?? null }
    return { type: "wait", kind: "child", task: { content, maxConcurrent: 2 }, continuation }
  })
  return { run: createMemoryRun(provider, { tools: [delegate], ...options }), executions }
}

const startedTasks = ({ outbox }: MemoryRun) =>
  outbox.flatMap(({ payload }) => {
    const { type, command } = payload as { type: string; command: { input: { content: [{ text: string }] } } }
    return type === "startChild" ? [command.input.content[0].text] : []
  })
const openWaits = ({ context }: MemoryRun, kind: string) => {
  const { phase } = context.conversation.run ?? {}
  const calls = phase?.type === "settling" ? [...phase.calls.values()] : []
  return calls.flatMap(({ wait, resolved }) => (wait?.kind === kind && resolved === null ? [wait] : []))
}
/** Answers the oldest open child wait. */
const endOne = (run: MemoryRun) => {
  const [wait] = openWaits(run, "child")
  run.answer({ kind: "child", answer: done, toolCallId: wait?.toolCallId ?? "" })
}

it("starts the waiting children one by one, in the order of their calls, as soon as others have ended", async () => {
  const { run, executions } = runOf(5)
  await runLoop(run.context)
  expect(startedTasks(run)).toEqual(["Task 0.", "Task 1."])
  expect(openWaits(run, "timer")).toHaveLength(3)
  endOne(run)
  await runLoop(run.context)
  expect(startedTasks(run)).toEqual(["Task 0.", "Task 1.", "Task 2."])
  expect([openWaits(run, "child").length, openWaits(run, "timer").length]).toEqual([2, 2])
  for (let left = 4; left > 0; left--) {
    endOne(run)
    await runLoop(run.context)
  }
  expect(startedTasks(run)).toEqual([0, 1, 2, 3, 4].map((index) => `Task ${index}.`))
  const results = run.events.flatMap((event) => (event.type === "toolCallCompleted" ? [event.result] : []))
  expect(results).toEqual([0, 1, 2, 3, 4].map((index) => ({ type: "json", value: { index } })))
  // A call that waited for a place is not executed again for it.
  expect(executions.toSorted()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
})

it("continues in another process, which starts each waiting child once", async () => {
  const { run } = runOf(3)
  await runLoop(run.context)
  const next = run.restart()
  await runLoop(next.context)
  expect(startedTasks(next)).toEqual([])
  endOne(next)
  await runLoop(next.context)
  expect(startedTasks(next)).toEqual(["Task 2."])
})

it("looks again after ten minutes, and waits on if nothing has changed", async () => {
  const { run } = runOf(3)
  await runLoop(run.context)
  run.clock.now = 600_000
  await runLoop(run.context)
  expect(startedTasks(run)).toHaveLength(2)
  expect(openWaits(run, "timer")).toMatchObject([{ expiresAt: 1_200_000 }])
})

it("ends the waiting calls with the run", async () => {
  const { run } = runOf(3)
  await runLoop(run.context)
  await settleCancelled(run.context)
  const interrupted = run.events.filter(({ type }) => type === "toolCallInterrupted")
  expect(interrupted).toHaveLength(3)
  expect(startedTasks(run)).toHaveLength(2)
})
