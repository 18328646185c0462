import { expect, it } from "vitest"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "./fixtures/memory-run.ts"
import { runLoop } from "./loop.ts"

const say = (text: string) => ({ type: "text", text }) as const
const call = (name: string) => ({ type: "toolCall", name }) as const
const typesOf = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type)

it("a pending message joins the run between two steps", async () => {
  const provider = scriptedProvider([[call("look")], [say("Done")]])
  const look = createAnyTool("look", () => {
    run.steer("And this.")
    return { type: "json", value: 1 }
  })
  const run = createMemoryRun(provider, { tools: [look] })
  await runLoop(run.context)
  const types = typesOf(run.events)
  expect(types.slice(types.indexOf("stepCompleted"), -3)).toEqual([
    "stepCompleted",
    "userMessageAdded",
    "stepStarted",
  ])
  expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual([
    "user",
    "assistant",
    "tool",
    "user",
  ])
})

it("a message that arrives with the last response keeps the run from completing", async () => {
  const provider = scriptedProvider([[say("One")], [say("Two")]])
  const run = createMemoryRun(provider)
  run.steer("And this.", { noticed: false })
  await runLoop(run.context)
  expect(typesOf(run.events).filter((type) => type === "runCompleted")).toHaveLength(1)
  expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
})

it("a withdrawn message joins no run, and the others join it", async () => {
  const provider = scriptedProvider([[call("look")], [say("Done")]])
  const look = createAnyTool("look", () => {
    run.steer("Not this.")
    run.steer("And this.")
    run.withdraw("Not this.")
    return { type: "json", value: 1 }
  })
  const run = createMemoryRun(provider, { tools: [look] })
  await runLoop(run.context)
  const added = run.events.filter((event) => event.type === "userMessageAdded")
  expect(added.map(({ content }) => content)).toEqual([[say("And this.")]])
})

it("a run whose only message was withdrawn continues and ends without it", async () => {
  const provider = scriptedProvider([[say("One")]])
  const run = createMemoryRun(provider)
  run.steer("Not this.")
  run.withdraw("Not this.")
  await runLoop(run.context)
  expect(typesOf(run.events).at(-1)).toBe("runCompleted")
  expect(typesOf(run.events)).not.toContain("userMessageAdded")
  expect(provider.requests).toHaveLength(1)
})

it("a message that arrives after the run's last turn precedes its end", async () => {
  const run = createMemoryRun(scriptedProvider([[call("look")]]), {
    tools: [createAnyTool("look", () => ({ type: "json", value: 1 }))],
    maxTurns: 1,
  })
  run.steer("And this.", { noticed: false })
  await runLoop(run.context)
  expect(typesOf(run.events).slice(-3)).toEqual(["maxTurnsReached", "userMessageAdded", "runCompleted"])
})

it("a message that arrives when the model fails permanently precedes the run's end", async () => {
  const failure = { type: "failure", code: "bad_request", message: "No.", retryable: false } as const
  const run = createMemoryRun(scriptedProvider([[failure]]))
  run.steer("And this.", { noticed: false })
  await runLoop(run.context)
  expect(typesOf(run.events).slice(-2)).toEqual(["userMessageAdded", "runFailed"])
})

it("large messages join the run in several commits, in their order", async () => {
  const provider = scriptedProvider([[call("look")], [say("Done")]])
  const texts = Array.from({ length: 5 }, (_, index) => String(index).repeat(200_000))
  const look = createAnyTool("look", () => {
    for (const text of texts) run.steer(text)
    return { type: "json", value: 1 }
  })
  const run = createMemoryRun(provider, { tools: [look] })
  await runLoop(run.context)
  const added = run.events.filter((event) => event.type === "userMessageAdded")
  expect(added.map(({ content }) => content)).toEqual(texts.map((text) => [{ type: "text", text }]))
  const ofCommits = run.commits.map((events) => typesOf(events).filter((type) => type === "userMessageAdded"))
  expect(ofCommits.map(({ length }) => length).filter((length) => length > 0)).toEqual([2, 2, 1])
})
