import { expect, it } from "vitest"
import type { Observer } from "../../../core/ports/observer.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { closeInterruptedCall } from "../model/interrupted-model-call.ts"
import { settleCancelled } from "../settle-cancelled.ts"
import { observerNames } from "./join-observers.ts"

type Heard = readonly [name: string, fact: object]

/** Returns an observer that notes everything but `onEventStored`. */
function listen(): { readonly observers: Partial<Observer>; readonly heard: Heard[] } {
  const heard: Heard[] = []
  const names = observerNames.filter((name) => name !== "onEventStored")
  const observers = Object.fromEntries(
    names.map((name) => [name, (fact: object) => heard.push([name, fact])]),
  )
  return { observers, heard }
}

const ids = { tenant: "tenant", userId: "user_1", agent: "agent", sessionId: "sess_1", runId: "run_1" }
const failure = { type: "failure", code: "overloaded", retryable: true, retryAfterMs: 1 } as const
const call = { type: "toolCall", name: "look", input: { at: "sea" } } as const
const say = (text: string) => ({ type: "text", text }) as const
const look = createAnyTool("look", () => ({ type: "json", value: "there" }))

it("measures the turns, model attempts and tool calls of a run, once each and in order", async () => {
  const { observers, heard } = listen()
  const provider = scriptedProvider([[failure], [say("Let"), say(" me"), call], [say("Done")]])
  const run = createMemoryRun(provider, { tools: [look], observers, pricing: { cost: () => 0.5 } })
  await runLoop(run.context)
  expect(heard.map(([name]) => name)).toEqual([
    "onTurnStarted",
    "onAttemptSent",
    "onAttemptEnded",
    "onAttemptSent",
    "onFirstToken",
    "onAttemptEnded",
    "onToolCallStarted",
    "onToolCallEnded",
    "onTurnEnded",
    "onTurnStarted",
    "onAttemptSent",
    "onFirstToken",
    "onAttemptEnded",
    "onTurnEnded",
    "onRunEnded",
  ])
  for (const [, fact] of heard) expect(fact).toMatchObject({ ...ids, traceparent: null })
  const attempts = heard.filter(([name]) => name === "onAttemptEnded").map(([, fact]) => fact)
  const times = { provider: "scripted", durationMs: expect.any(Number) }
  expect(attempts).toMatchObject([
    { attempt: 1, code: "overloaded", stopReason: null, firstTokenMs: null, ...times },
    {
      attempt: 2,
      code: null,
      stopReason: "toolCalls",
      firstTokenMs: expect.any(Number),
      cost: 0.5,
      ...times,
    },
    { attempt: 1, code: null, stopReason: "end", firstTokenMs: expect.any(Number), cost: 0.5, ...times },
  ])
  expect(heard.find(([name]) => name === "onToolCallEnded")?.[1]).toMatchObject({
    tool: "look",
    outcome: "completed",
    input: { at: "sea" },
    result: { type: "json", value: "there" },
    interruption: null,
  })
  expect(heard.at(-1)?.[1]).toMatchObject({ outcome: "completed", turns: 2, error: null })
})

it("calls no observer per token", async () => {
  const heardWith = async (tokens: number) => {
    const heard: string[] = []
    const observers = Object.fromEntries(observerNames.map((name) => [name, () => void heard.push(name)]))
    const words = Array.from({ length: tokens }, (_, n) => say(`word ${n} `))
    const thoughts = words.map(({ text }) => ({ type: "thinking", text }) as const)
    const provider = scriptedProvider([[...thoughts, ...words, call], words])
    await runLoop(createMemoryRun(provider, { tools: [look], observers }).context)
    return heard
  }
  const few = await heardWith(1)
  expect(few).toContain("onFirstToken")
  expect(await heardWith(50)).toEqual(few)
})

it("reports the attempt of a process that died from the process that continues, without times", async () => {
  const { observers, heard } = listen()
  const forever = { type: "wait", until: new Promise(() => {}) } as const
  const run = createMemoryRun(scriptedProvider([[say("Hal"), forever], [say("Hello")]]), { observers })
  const stopped = expect(runLoop(run.context)).rejects.toThrow()
  await expect.poll(() => heard.map(([name]) => name)).toContain("onFirstToken")
  run.stop()
  await stopped
  heard.length = 0
  const next = run.restart()
  await closeInterruptedCall(next.context, { outputBytes: 3, opened: [] })
  await runLoop(next.context)
  const ended = heard.filter(([name]) => name === "onAttemptEnded").map(([, fact]) => fact)
  expect(ended).toMatchObject([
    { attempt: 1, code: "interrupted", provider: null, durationMs: null, firstTokenMs: null },
    { attempt: 2, code: null, provider: "scripted", durationMs: expect.any(Number) },
  ])
})

it("reports a canceled call as interrupted, and the run with its reason", async () => {
  const { observers, heard } = listen()
  const stuck = createAnyTool("stuck", () => new Promise(() => {}))
  const run = createMemoryRun(scriptedProvider([[{ ...call, name: "stuck" }]]), { tools: [stuck], observers })
  const ending = expect(runLoop(run.context)).rejects.toThrow("cancelled")
  await expect.poll(() => heard.map(([name]) => name)).toContain("onToolCallStarted")
  run.cancel()
  await ending
  await settleCancelled(run.context)
  expect(heard.filter(([name]) => name === "onToolCallEnded" || name === "onRunEnded")).toMatchObject([
    ["onToolCallEnded", { tool: "stuck", outcome: "interrupted", interruption: { outcome: "unknown" } }],
    ["onRunEnded", { outcome: "interrupted", reason: "cancelled" }],
  ])
})
