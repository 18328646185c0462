import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { connect } from "../client/index.ts"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const patience = { interval: 20 }
const million = 1_000_000
const usage = { inputTokens: 0, outputTokens: million, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
/** Each call of a model costs a dollar. */
const price = { input: 0, output: 1 }

const isOwn = ({ messages }: ModelRequest) => JSON.stringify(messages[0]).includes("Go.")
const background = (task: string): ScriptedStep => ({
  ...{ type: "toolCall", name: "run_agent", input: { task, background: true } },
})
const collect: ScriptedStep = { type: "toolCall", name: "get_background_result", input: { task_id: "*" } }
const say = (text: string): ScriptedStep => ({ type: "text", text })
const end: ScriptedStep = { type: "end", usage }

/** The turns of a run that collects the results and starts another task. */
const restless = [[collect], [background("Next.")], [say("It runs.")]]

interface Scenario {
  readonly gateway: Gateway
  /** Number of calls of the model for the session itself. */
  readonly ownCalls: () => number
  /** Number of all calls, those of sub-agents included. */
  readonly allCalls: () => number
  /** The ends of all runs so far: outcomes and reasons. */
  readonly ends: readonly RunEnd[]
  /** Ids of the background tasks whose end was stored. */
  readonly ended: ReadonlySet<string>
  readonly sessionId: string
}

interface RunEnd {
  readonly sessionId: string
  readonly outcome: string
  readonly reason?: string
}

/**
 * Sends a message to an agent whose model plays these turns. A sub-agent ends when no run of its parent is open, so
 * that its announcement starts a run. Many sub-agents end together.
 */
async function start(
  turns: readonly (readonly ScriptedStep[])[],
  { store = "memory", ...options }: Partial<AgentOptions> & { readonly maxTurns?: number } = {},
  limits = {},
): Promise<Scenario> {
  const opened = open(turns, { store, ...options })
  const { sessionId } = await opened.gateway.run("Go.", { limits })
  return { ...opened, sessionId }
}

function open(turns: readonly (readonly ScriptedStep[])[], options: Partial<AgentOptions>) {
  let own = 0
  let firstIdle: Promise<unknown> | null = null
  const ends: RunEnd[] = []
  const ended = new Set<string>()
  const onBackgroundComplete = ({ taskId }: { readonly taskId: string }) => void ended.add(taskId)
  const info = (fields: object, message: string) =>
    void (message === "A run ended." && ends.push(fields as RunEnd))
  const logger = { debug() {}, info, warn() {}, error() {} }
  const provider = scriptedProvider((request) => {
    if (isOwn(request)) return [...(turns[own++] ?? [say("Nothing left.")]), end]
    const isOfMany = JSON.stringify(request.messages[0]).includes("One of many.")
    if (isOfMany) firstIdle ??= vi.waitUntil(isIdle, patience)
    const until = isOfMany && firstIdle !== null ? firstIdle : vi.waitUntil(isIdle, patience)
    return [{ type: "wait", until }, say("Found."), end]
  })
  const gateway = createAgent("You plan.", {
    ...{ provider, logger, maxTokens: million, prices: { "scripted-model": price } },
    ...options,
    subAgents: {
      announce: true,
      onBackgroundComplete,
      ...(typeof options.subAgents === "object" && options.subAgents),
    },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const isIdle = async () => {
    const { items } = await gateway.sessions.list({ limit: 200 })
    return items.find(({ parent }) => parent === null)?.state === "idle"
  }
  return { gateway, ownCalls: () => own, allCalls: () => provider.requests.length, ends, ended }
}

/** Resolves to the ends of the session's runs, once no task is running and no announcement is on its way. */
async function settle({ gateway, sessionId, ends, ended }: Omit<Scenario, "ownCalls" | "allCalls">) {
  let former = ""
  await vi.waitUntil(async () => {
    const rows = (await gateway.operate("outbox.list", { limit: 200 })).items.filter(
      ({ id }) => !id.endsWith(":late"),
    )
    const runs = (await gateway.sessions.runs({ rootId: sessionId, limit: 200 })).items
    const tasks = runs.filter((run) => run.sessionId !== sessionId).length
    const isLive = rows.length > 0 || tasks !== ended.size || runs.some(({ state }) => isOpen(state))
    const now = isLive ? "" : JSON.stringify([runs, ends.length])
    const isQuiet = now !== "" && now === former
    former = now
    return isQuiet
  }, patience)
  return ends.filter((each) => each.sessionId === sessionId).map(({ outcome, reason }) => reason ?? outcome)
}

const isOpen = (state: string) => state === "queued" || state === "running" || state === "waiting"

it("announced runs share the turns of the run that started their chain", async () => {
  const turns = [[background("First.")], [say("It runs.")], ...Array(5).fill(restless).flat()]
  const scenario = await start(turns, {}, { maxTurns: 4 })
  expect(await settle(scenario)).toEqual(["completed", "max_turns"])
  expect(scenario.ownCalls()).toBe(4)
  // A message of the user has limits of its own.
  const { response } = await scenario.gateway.run("Anything new?", { sessionId: scenario.sessionId })
  expect(response).toBe("It runs.")
})

it("announced runs and all background tasks share the budget of the chain", async () => {
  const turns = [[background("First.")], [say("It runs.")], ...Array(20).fill(restless).flat()]
  const scenario = await start(turns, {}, { maxBudgetUsd: 12 })
  expect((await settle(scenario)).length).toBeGreaterThan(2)
  // Each call costs a dollar.
  expect(scenario.allCalls()).toBeLessThanOrEqual(12)
  expect(scenario.allCalls()).toBeGreaterThan(8)
})

it.each([
  [8, {}],
  [2, { maxAnnouncedRuns: 2 }],
])("a chain has at most %i announced runs with the options %o", async (most, subAgents) => {
  const turns = [[background("First.")], [say("It runs.")], ...Array(20).fill(restless).flat()]
  const scenario = await start(turns, { subAgents })
  expect(await settle(scenario)).toHaveLength(1 + most)
  // The model can still collect the last task, and a message of the user starts another chain.
  const { response } = await scenario.gateway.run("Anything new?", { sessionId: scenario.sessionId })
  expect(response).toBe("It runs.")
  expect(await settle(scenario)).toHaveLength(2 * (1 + most))
})

it("many tasks that end at once cost one announced run if it collects all of them", async () => {
  const tasks = Array<ScriptedStep>(20).fill(background("One of many."))
  const collectAll = { ...collect, input: { task_id: "*", wait: true } } as const
  const turns = [tasks, [say("They run.")], [collectAll], [say("All found.")]]
  const scenario = await start(turns, { subAgents: { maxConcurrent: 32 } })
  expect(await settle(scenario)).toEqual(["completed", "completed"])
})

it("a chain that another process continues has what is left", async () => {
  const directory = mkdtempSync(join(tmpdir(), "announced-"))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const turns = [[background("First.")], [say("It runs.")]]
  const first = await start(turns, { store: directory }, { maxTurns: 4 })
  // The task has not ended, so the other process ends it and starts the announced run.
  await first.gateway.close({ graceMs: 0 })
  const next = open(Array(5).fill(restless).flat(), { store: directory })
  await next.gateway.prepare()
  expect(await settle({ ...next, sessionId: first.sessionId })).toEqual(["max_turns"])
  expect(next.ownCalls()).toBe(2)
})

it("no run is announced after the time of the chain, and one that is open then is canceled", async () => {
  const over = await start([[background("First.")], [say("It runs.")]], {}, { announceUntil: 1 })
  expect(await settle(over)).toEqual(["completed"])
  expect(over.ownCalls()).toBe(2)

  const forever: ScriptedStep = { type: "wait", until: new Promise(() => {}) }
  const turns = [[background("First.")], [say("It runs.")], [forever]]
  // A machine under load needs this long to reach the announced run.
  const late = await start(turns, {}, { announceUntil: Date.now() + 8_000 })
  expect(await settle(late)).toEqual(["completed", "cancelled"])
})

it("a stream of the session ends after the announcement of a chain that has nothing left", async () => {
  const { gateway, ownCalls } = open([[background("First.")], [say("It runs.")]], {
    store: "memory",
    maxTurns: 2,
  })
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  for await (const _ of chat.send("Go."));
  const types: string[] = []
  for await (const { type } of chat.subscribe({ after: 0, untilTasksEnd: true })) types.push(type)
  expect(types).toContain("task_completed")
  expect(types).toContain("run_withdrawn")
  expect(types.filter((type) => type === "stream_complete")).toHaveLength(1)
  expect(ownCalls()).toBe(2)
})

it("the end of a task starts no run in the session of a sub-agent whose own run has ended", async () => {
  const forever: ScriptedStep = { type: "wait", until: new Promise(() => {}) }
  const delegate: ScriptedStep = { type: "toolCall", name: "run_agent", input: { task: "Middle." } }
  const ends: RunEnd[] = []
  const info = (fields: object, message: string) =>
    void (message === "A run ended." && ends.push(fields as RunEnd))
  const provider = scriptedProvider((request) => {
    const [first] = request.messages
    const hasCalled = request.messages.some(({ role }) => role === "assistant")
    if (isOwn(request)) return hasCalled ? [say("Done.")] : [delegate]
    if (JSON.stringify(first).includes("Middle."))
      return hasCalled ? [say("I leave.")] : [background("Deep.")]
    return [forever]
  })
  const gateway = createAgent("You plan.", {
    ...{ provider, store: "memory", logger: { debug() {}, info, warn() {}, error() {} } },
    subAgents: { announce: true, maxDepth: 2 },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { sessionId } = await gateway.run("Go.")
  const all = async () => (await gateway.sessions.runs({ rootId: sessionId, limit: 200 })).items
  await vi.waitUntil(
    async () => ends.length === 3 && (await gateway.operate("outbox.list", {})).items.length === 0,
    patience,
  )
  await vi.waitUntil(async () => !(await all()).some(({ state }) => isOpen(state)), patience)
  expect(await all()).toHaveLength(3)
})
