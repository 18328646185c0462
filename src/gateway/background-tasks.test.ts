import { expect, it, onTestFinished, vi } from "vitest"
import { type ChatEvent, connect } from "../client/index.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const patience = { interval: 20 }

const firstText = ({ messages }: ModelRequest): string => {
  const [first] = messages
  const part = first?.role === "user" ? first.content[0] : undefined
  return part?.type === "text" ? part.text : ""
}
const call = (name: string, input: JsonObject): ScriptedStep => ({ type: "toolCall", name, input })
const background = (task: string) => call("run_agent", { task, background: true })
const say = (text: string): ScriptedStep => ({ type: "text", text })
const resultsOf = ({ messages }: ModelRequest) =>
  JSON.stringify(messages.filter(({ role }) => role === "tool"))

/** Returns the first task id in the results of the request. */
const taskIn = (request: ModelRequest) => /"task_id":"(\w+)"/.exec(resultsOf(request))?.[1] ?? ""

/**
 * Returns a model. For the user's session, it plays the turns. For a sub-agent, it responds with the text of `work`.
 */
function model(
  turns: readonly ((request: ModelRequest) => readonly ScriptedStep[])[],
  work: (task: string, request: ModelRequest) => readonly ScriptedStep[] = (task) => [say(`Did ${task}.`)],
) {
  let turn = 0
  return scriptedProvider((request) => {
    if (firstText(request) !== "Go.") return work(firstText(request), request)
    return turns[turn++]?.(request) ?? [say("Nothing left.")]
  })
}

function opened(gateway: Gateway): Gateway {
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

it("starts tasks at once, waits for all of them without using a place, and collects each result once", async () => {
  const provider = model([
    () => [background("a"), background("b"), background("c"), background("d")],
    () => [call("get_background_result", { task_id: "*", wait: true })],
    () => [call("get_background_result", { task_id: "*" })],
    (request) => [say(resultsOf(request))],
  ])
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: true, maxConcurrentRuns: 1 }),
  )
  const { response, outcome } = await gateway.run("Go.")
  expect(outcome).toBe("completed")
  for (const task of ["a", "b", "c", "d"]) {
    expect(response.split(`Did ${task}.`)).toHaveLength(2)
  }
  expect(response).toContain('"results":[],"running":[]')
})

it("removes a task's time limit from the outbox when the task ends", async () => {
  const release = Promise.withResolvers<void>()
  const provider = model([() => [background("a")], () => [say("It runs.")]], () => [
    { type: "wait", until: release.promise },
    say("Found it."),
  ])
  const gateway = opened(createAgent("You plan.", { provider, store: "memory", logger, subAgents: true }))
  await gateway.run("Go.")
  const list = async () => (await gateway.operate("outbox.list", {})).items.map(({ id }) => id)
  await vi.waitUntil(async () => (await list()).length === 1, patience)
  expect(await list()).toEqual([expect.stringMatching(/^cancel:task_\w+:late$/)])
  release.resolve()
  await vi.waitUntil(async () => (await list()).length === 0, patience)
})

it("names open tasks to the model until they are collected, even in the next run", async () => {
  const release = Promise.withResolvers<void>()
  const provider = model(
    [
      () => [background("a")],
      () => [say("It runs.")],
      () => [call("get_background_result", { task_id: "*" })],
      (request) => [say(resultsOf(request))],
    ],
    () => [{ type: "wait", until: release.promise }, say("Found it.")],
  )
  const ends: string[] = []
  const gateway = opened(
    createAgent("You plan.", {
      provider,
      store: "memory",
      logger,
      subAgents: { onBackgroundComplete: ({ outcome }) => void ends.push(outcome.response) },
    }),
  )
  const { sessionId } = await gateway.run("Go.")
  const own = () => provider.requests.filter((request) => firstText(request) === "Go.")
  expect(JSON.stringify(own()[1]?.messages.at(-1))).toContain("is running")
  release.resolve()
  await vi.waitUntil(() => ends.length > 0, patience)
  expect(ends).toEqual(["Found it."])
  const { response } = await gateway.run("Anything new?", { sessionId })
  expect(JSON.stringify(own()[2]?.messages.at(-1))).toContain("has ended (completed)")
  expect(response).toContain("Found it.")
  expect(JSON.stringify(own()[3]?.messages.at(-1))).not.toContain("Note of the gateway")
})

it("starts a run at the end of a task if the options say so", async () => {
  const provider = model([
    () => [background("a")],
    () => [say("It runs.")],
    () => [call("get_background_result", { task_id: "*" })],
    () => [say("It was announced.")],
  ])
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: { announce: true } }),
  )
  await gateway.run("Go.")
  const own = () => provider.requests.filter((request) => firstText(request) === "Go.")
  await vi.waitUntil(() => own().length >= 4, patience)
  expect(JSON.stringify(own().at(-1)?.messages)).toContain("Did a.")
})

it("sends messages to tasks, cancels them, and refuses both once they have ended", async () => {
  const started = Promise.withResolvers<void>()
  let turns = 0
  const provider = model(
    [
      () => [background("a")],
      (request) => {
        const id = taskIn(request)
        return [
          { type: "wait", until: started.promise },
          call("send_message", { task_id: id, message: "Hurry up." }),
        ]
      },
      () => [call("get_background_result", { task_id: "*", wait: true })],
      (request) => {
        const id = taskIn(request)
        return [call("cancel_task", { task_id: id }), call("cancel_task", { task_id: "task_0" })]
      },
      (request) => [say(resultsOf(request))],
    ],
    (_, request) => {
      turns += 1
      const said = JSON.stringify(request.messages)
      if (said.includes("Hurry up.")) return [say("Hurried.")]
      started.resolve()
      return [call("nothing", { turns })]
    },
  )
  const gateway = opened(createAgent("You plan.", { provider, store: "memory", logger, subAgents: true }))
  const { response } = await gateway.run("Go.")
  expect(response).toContain("Hurried.")
  expect(response).toContain("task_ended")
  expect(response).toContain("unknown_task")
})

it("cancels a running task, and tells the model", async () => {
  const provider = model(
    [
      () => [background("a")],
      (request) => [call("cancel_task", { task_id: taskIn(request) })],
      () => [call("get_background_result", { task_id: "*", wait: true })],
      (request) => [say(resultsOf(request))],
    ],
    () => [{ type: "wait", until: new Promise(() => {}) }],
  )
  const gateway = opened(createAgent("You plan.", { provider, store: "memory", logger, subAgents: true }))
  const { response } = await gateway.run("Go.")
  expect(response).toContain('"outcome":"interrupted","reason":"cancelled"')
})

it("lists, streams and cancels tasks over HTTP, for the session that started them", async () => {
  const provider = model([() => [background("a"), background("b")], () => [say("They run.")]], (task) =>
    task === "a" ? [say("Found it.")] : [say("Looking."), { type: "wait", until: new Promise(() => {}) }],
  )
  const gateway = opened(createAgent("You plan.", { provider, store: "memory", logger, subAgents: true }))
  const request = async (method: string, path: string, token?: string, body?: object) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    return gateway.fetch(new Request(`http://localhost/api${path}`, init))
  }
  const session = async () => {
    const response = await request("POST", "/chat/init", undefined, { api_key: "key" })
    return ((await response.json()) as { session_token: string }).session_token
  }
  const token = await session()
  const stream = await (await request("POST", "/chat", token, { message: "Go." })).text()
  expect(stream).toContain('"type":"task_registered"')
  const list = async () => {
    const response = await request("GET", "/chat/tasks", token)
    return ((await response.json()) as { tasks: { task_id: string; state: string; result: string }[] }).tasks
  }
  await vi.waitUntil(async () => (await list())[0]?.state === "completed", patience)
  const [first, second] = await list()
  expect(first).toMatchObject({
    agent_name: "sub-agent",
    description: "a",
    result: "Found it.",
    collected: false,
  })
  expect(second).toMatchObject({ state: "running", result: null })
  const shown = await request("GET", `/chat/tasks/${first?.task_id}/subscribe`, token)
  expect(await shown.text()).toMatch(/Found it.*stream_complete/s)
  const path = `/chat/tasks/${second?.task_id}`
  expect((await request("POST", `${path}/cancel`, await session())).status).toBe(404)
  expect((await request("POST", `${path}/cancel`, token)).status).toBe(200)
  await vi.waitUntil(async () => (await list())[1]?.state === "interrupted", patience)
  expect(await (await request("GET", path, token)).json()).toMatchObject({ reason: "cancelled" })
  expect((await request("POST", `${path}/cancel`, token)).status).toBe(409)
})

it("streams the progress and the waits of tasks with the session, even when no run is open", async () => {
  const release = Promise.withResolvers<void>()
  const provider = model([() => [background("a")], () => [say("It runs.")]], (_, request) => {
    if (resultsOf(request) !== "[]") return [say("Found it.")]
    return [say("Secret thought."), { type: "wait", until: release.promise }, call("erase", {})]
  })
  const erase = tool({
    name: "erase",
    description: "Erases.",
    inputSchema: { type: "object" },
    needsApproval: true,
    execute: () => "Erased.",
  })
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: true, tools: [erase] }),
  )
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  for await (const _ of chat.send("Go."));
  expect(await chat.tasks()).toMatchObject([{ state: "running", description: "a" }])

  const seen: ChatEvent[] = []
  let own: readonly string[] = []
  for await (const event of chat.subscribe({ untilTasksEnd: true })) {
    if (event.type !== "heartbeat") seen.push(event)
    if (event.type === "sub_agent_start") release.resolve()
    if (event.type === "tool_approval_request") {
      const [task] = await chat.tasks()
      own = await textOf(chat.subscribe({ taskId: task?.task_id ?? "" }), () =>
        chat.approve(event, { approved: true }),
      )
    }
  }
  expect(seen.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      "sub_agent_start",
      "task_progress",
      "tool_approval_request",
      "approval_resolved",
    ]),
  )
  expect(seen.at(-1)).toMatchObject({ type: "task_completed", result: "Found it.", disposition: "completed" })
  expect(seen.find(({ type }) => type === "sub_agent_start")).toMatchObject({ task_id: expect.any(String) })
  expect(JSON.stringify(seen)).not.toContain("Secret thought.")
  expect(own.join("")).toBe("Secret thought.Found it.")

  const [task] = await chat.tasks()
  expect(task).toMatchObject({ state: "completed", result: "Found it.", collected: false })
  expect(await chat.cancelTask(task?.task_id ?? "")).toBe(false)
  await expect(chat.cancelTask("task_none")).rejects.toMatchObject({ code: "task_not_found" })
  // There are no further events to follow.
  for await (const event of chat.subscribe({ untilTasksEnd: true })) expect(event).toBe(null)
})

it("cancels a task with the client", async () => {
  const provider = model([() => [background("a")], () => [say("It runs.")]], () => [
    { type: "wait", until: new Promise(() => {}) },
  ])
  const gateway = opened(createAgent("You plan.", { provider, store: "memory", logger, subAgents: true }))
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  for await (const _ of chat.send("Go."));
  const [task] = await chat.tasks()
  expect(await chat.cancelTask(task?.task_id ?? "")).toBe(true)
  const seen: string[] = []
  for await (const event of chat.subscribe({ untilTasksEnd: true })) seen.push(event.type)
  expect(seen.at(-1)).toBe("task_completed")
  expect(await chat.tasks()).toMatchObject([{ state: "interrupted", reason: "cancelled" }])
})

it("keeps the stream open until the run that announces the end of a task", async () => {
  const provider = model([
    () => [background("a")],
    () => [say("It runs.")],
    () => [call("get_background_result", { task_id: "*" })],
    () => [say("It was announced.")],
  ])
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: { announce: true } }),
  )
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  for await (const _ of chat.send("Go."));
  const texts = await textOf(chat.subscribe({ after: 0, untilTasksEnd: true }))
  expect(texts.join("")).toContain("It was announced.")
})

it("starts no run for the end of a task that was canceled together with the run that started it", async () => {
  const working = Promise.withResolvers<void>()
  const forever = { type: "wait", until: new Promise(() => {}) } as const
  const provider = model(
    [() => [background("a")], () => [{ type: "wait", until: working.promise }, forever]],
    () => {
      working.resolve()
      return [forever]
    },
  )
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: { announce: true } }),
  )
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  const sent = textOf(chat.send("Go."))
  await working.promise
  await chat.cancel()
  await sent
  // The stream stays open while the end of a task, or a message that announces it, is on its way.
  const seen: ChatEvent[] = []
  for await (const event of chat.subscribe({ after: 0, untilTasksEnd: true })) seen.push(event)
  expect(await chat.tasks()).toMatchObject([{ state: "interrupted", reason: "cancelled" }])
  expect(seen.filter(({ type }) => type === "stream_complete")).toMatchObject([
    { terminal_disposition: "interrupted", reason: "cancelled" },
  ])
})

/** Resolves to the text of a stream. Calls `onFirst` after the first piece. */
async function textOf(
  stream: AsyncIterable<ChatEvent>,
  onFirst: () => Promise<void> = async () => {},
): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const event of stream) {
    if (event.type !== "text_delta") continue
    texts.push(event.text)
    if (texts.length === 1) await onFirst()
  }
  return texts
}

it("does not start a task that the hook refuses, nor one beyond the limit", async () => {
  const provider = model(
    [() => [background("a"), background("b"), background("no")], (request) => [say(resultsOf(request))]],
    () => [{ type: "wait", until: new Promise(() => {}) }],
  )
  const gateway = opened(
    createAgent("You plan.", {
      provider,
      store: "memory",
      logger,
      subAgents: {
        maxConcurrent: 1,
        onBeforeBackground: ({ task }) => {
          if (task === "no") throw new Error("Not this one.")
        },
      },
    }),
  )
  const { response } = await gateway.run("Go.")
  expect(response).toContain("too_many_children")
  expect(response).toContain("Not this one.")
})
