import { expect, it, onTestFinished, vi } from "vitest"
import { formatRunSummary } from "../../features/headless/run/format-run-summary.ts"
import { runOutputOutcome } from "../../features/headless/run/run-output.ts"
import { tool } from "../../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAgent } from "../create-agent.ts"
import { type AutonomousOptions, runAutonomous } from "./run-autonomous.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const never = new Promise(() => undefined)
const inMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const say = (text: string): ScriptedStep => ({ type: "text", text })
const start = (task: string): ScriptedStep => ({
  type: "toolCall",
  name: "run_agent",
  input: { task, background: true },
})

/** Returns a model that starts a background task for each text and responds at once. `work` plays the tasks. */
function model(tasks: readonly string[], work: (task: string) => readonly ScriptedStep[]) {
  return scriptedProvider(({ messages }) => {
    const [first] = messages
    const part = first?.role === "user" ? first.content[0] : undefined
    const text = part?.type === "text" ? part.text : ""
    if (text !== "Go.") return messages.at(-1)?.role === "tool" ? [say("Paid.")] : work(text)
    return messages.some(({ role }) => role === "tool") ? [say("They run.")] : tasks.map(start)
  })
}

const run = (provider: AutonomousOptions["provider"], options: AutonomousOptions = {}) =>
  runAutonomous("You plan.", "Go.", {
    ...(provider !== undefined && { provider }),
    store: "memory",
    logger,
    ...options,
  })

const pay = tool({
  name: "pay",
  description: "Pays.",
  inputSchema: { type: "object" },
  needsApproval: true,
  execute: () => "paid",
})

it("waits for the background tasks of a run without a client", async () => {
  const ended: string[] = []
  const provider = model(["a", "b"], (task) => [{ type: "wait", until: inMs(400) }, say(`Did ${task}.`)])
  const onBackgroundComplete = (end: { outcome: { response: string } }) =>
    void ended.push(end.outcome.response)
  const output = await run(provider, { subAgents: { onBackgroundComplete } })
  expect(output).toMatchObject({ response: "They run.", cancelledTasks: [], warnings: [] })
  await vi.waitFor(() => expect(ended.toSorted()).toEqual(["Did a.", "Did b."]))
})

it("cancels them after backgroundWaitSeconds, and the output says so", async () => {
  const outcomes: unknown[] = []
  const provider = model(["a", "b"], (task) =>
    task === "a" ? [say("Did a.")] : [say("Half"), { type: "wait", until: never }],
  )
  const output = await run(provider, {
    backgroundWaitSeconds: 0.5,
    subAgents: { onBackgroundComplete: ({ outcome }) => void outcomes.push(outcome) },
  })
  expect(output.cancelledTasks).toEqual(["sub-agent"])
  expect(output.warnings).toEqual([expect.stringMatching(/^1 background task still worked .+ was canceled/)])
  expect(runOutputOutcome(output)).toBe("success")
  expect(formatRunSummary(output)).toContain("Canceled background tasks: sub-agent")
  await vi.waitFor(() =>
    expect(outcomes).toContainEqual(
      expect.objectContaining({ outcome: "interrupted", reason: "cancelled", response: "Half" }),
    ),
  )
})

it("waits no longer than the time limit of the run", async () => {
  const provider = model(["a"], () => [{ type: "wait", until: never }])
  const output = await run(provider, { timeoutSeconds: 5, subAgents: true })
  expect(output).toMatchObject({ response: "They run.", timedOut: false, cancelledTasks: ["sub-agent"] })
})

it("cancels a task that has not started yet", async () => {
  const provider = model(["a"], () => [{ type: "wait", until: never }])
  const output = await run(provider, { backgroundWaitSeconds: 0, subAgents: true })
  expect(output.cancelledTasks).toEqual(["sub-agent"])
})

it("waits for the run that announces the end of a task", async () => {
  const provider = model(["a"], () => [{ type: "wait", until: inMs(200) }, say("Did a.")])
  const before = () => provider.requests.length
  await run(provider, { subAgents: { announce: true } })
  // Two calls of the run, one of the task, and one of the run that announces its end.
  expect(before()).toBe(4)
})

it("denies the approvals of tasks that no one can answer", async () => {
  const provider = model(["a"], () => [
    { type: "wait", until: inMs(300) },
    { type: "toolCall", name: "pay" },
  ])
  const output = await run(provider, { tools: [pay], subAgents: true })
  expect(output.cancelledTasks).toEqual([])
  const last = provider.requests.at(-1)?.messages.at(-1)
  expect(JSON.stringify(last)).toContain("No one can be asked")
})

it("asks a person once about a task's call whose answer comes after the end of the run", async () => {
  const asked = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<{ approved: boolean }>()
  const provider = scriptedProvider(({ messages }) => {
    const hasCalled = messages.some(({ role }) => role === "tool")
    if (JSON.stringify(messages[0]).includes("Go."))
      return hasCalled ? [{ type: "wait", until: asked.promise }, say("It runs.")] : [start("a")]
    return hasCalled ? [say("Paid.")] : [{ type: "toolCall", name: "pay" }]
  })
  const gateway = createAgent("You plan.", {
    provider,
    tools: [pay],
    store: "memory",
    logger,
    subAgents: true,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  let questions = 0
  const running = gateway.run("Go.", {
    backgroundWaitSeconds: 60,
    onApproval: () => {
      questions += 1
      asked.resolve()
      return answered.promise
    },
    onEvent: ({ type }) => void (type === "stream_complete" && ended.resolve()),
  })
  await ended.promise
  // Meanwhile, the run is no longer followed, and the open waits of its tasks are looked for.
  await inMs(500)
  answered.resolve({ approved: true })
  expect((await running).cancelledTasks).toEqual([])
  expect(questions).toBe(1)
  expect(JSON.stringify(provider.requests)).toContain('"paid"')
})

it("lets the tasks of other runs of the session continue", async () => {
  const provider = model(["a"], () => [{ type: "wait", until: never }])
  const gateway = createAgent("You plan.", { provider, store: "memory", logger, subAgents: true })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { sessionId } = await gateway.run("Go.")
  const { cancelledTasks } = await gateway.run("More.", { sessionId, backgroundWaitSeconds: 0 })
  expect(cancelledTasks).toEqual([])
})

it("refuses a number of seconds that is not one", async () => {
  const gateway = createAgent("You plan.", { provider: model([], () => []), store: "memory", logger })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  await expect(gateway.run("Go.", { backgroundWaitSeconds: -1 })).rejects.toThrow("backgroundWaitSeconds")
})
