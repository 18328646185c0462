import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { connect } from "../client/index.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const key = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"

const call = (name: string, input: JsonObject): ScriptedStep => ({ type: "toolCall", name, input })
const say = (text: string): ScriptedStep => ({ type: "text", text })
const firstText = ({ messages }: ModelRequest): string => {
  const [first] = messages
  const part = first?.role === "user" ? first.content[0] : undefined
  return part?.type === "text" ? part.text : ""
}
const resultsOf = ({ messages }: ModelRequest) =>
  JSON.stringify(messages.filter(({ role }) => role === "tool"))

function opened(gateway: Gateway): Gateway {
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

it("masks secrets in the description of a task and in its result, everywhere that clients see them", async () => {
  const provider = scriptedProvider((request) => {
    if (firstText(request) !== "Go.") return [say(`I used ${key}.`)]
    return resultsOf(request) === "[]"
      ? [call("run_agent", { task: `Use ${key}.`, background: true })]
      : [say("It runs.")]
  })
  const options = { provider, store: "memory", logger, subAgents: true, redact: ["none"] } as const
  const gateway = opened(createAgent("You plan.", options))
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  const seen: unknown[] = []
  for await (const event of chat.send("Go.")) seen.push(event)
  for await (const event of chat.subscribe({ untilTasksEnd: true })) seen.push(event)
  await vi.waitUntil(async () => (await chat.tasks())[0]?.state === "completed")
  seen.push(await chat.tasks(), await chat.history())
  const shown = JSON.stringify(seen)
  expect(shown).toContain("task_registered")
  expect(shown).not.toContain(key)
  // The sub-agent has received the key.
  expect(provider.requests.some((request) => firstText(request).includes(key))).toBe(true)
})

it("informs the model of open tasks after a client's own messages replaced the history", async () => {
  const release = Promise.withResolvers<void>()
  const provider = scriptedProvider((request) => {
    const first = firstText(request)
    if (first === "Work.") return [{ type: "wait", until: release.promise }, say("Found it.")]
    if (first === "Go.") {
      return resultsOf(request) === "[]"
        ? [call("run_agent", { task: "Work.", background: true })]
        : [say("It runs.")]
    }
    return resultsOf(request) === "[]"
      ? [call("get_background_result", { task_id: "*", wait: true })]
      : [say(`Collected: ${resultsOf(request)}`)]
  })
  const gateway = opened(createAgent("You plan.", { provider, store: "memory", logger, subAgents: true }))
  const { url } = await gateway.listen({ port: 0 })
  const chat = connect({ url: `${url}/api`, apiKey: "key" })
  await chat.send("Go.").result()
  const messages = [{ role: "user", content: "Another conversation." }] as const
  const next = chat.send({ messages }).result()
  const own = () => provider.requests.filter((request) => firstText(request) === "Another conversation.")
  await vi.waitUntil(() => own().length > 0)
  expect(JSON.stringify(own()[0]?.messages.at(-1))).toContain("is running")
  release.resolve()
  expect((await next).text).toContain("Found it.")
})

it("fails the task of a skill whose provider has no key, and the session continues", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skills-"))
  await writeFile(
    join(folder, "search.md"),
    "---\nname: search\ndescription: Searches.\nprovider: openai\n---\n\nSearch.\n",
  )
  const provider = scriptedProvider((request) => {
    if (resultsOf(request) === "[]") return [call("run_agent", { task: "Look.", agent: "search" })]
    return [say(resultsOf(request))]
  })
  const options = { provider, store: "memory", logger, subAgents: true, skillsDir: folder } as const
  const gateway = opened(createAgent("You plan.", options))
  const { response, outcome } = await gateway.run("Go.")
  expect(outcome).toBe("completed")
  expect(response).toContain("The sub-agent failed")
})

it("keeps a message for a task that has not started until it starts", async () => {
  const provider = scriptedProvider((request) => {
    const first = firstText(request)
    const results = resultsOf(request)
    if (first === "Work.") {
      return JSON.stringify(request.messages).includes("Hurry up.")
        ? [say("Hurried.")]
        : [call("nothing", {})]
    }
    if (results === "[]") return [call("run_agent", { task: "Work.", background: true })]
    const id = /"task_id":"(\w+)"/.exec(results)?.[1] ?? ""
    if (!results.includes('"sent"')) return [call("send_message", { task_id: id, message: "Hurry up." })]
    if (!results.includes('"running":[')) return [call("get_background_result", { task_id: "*", wait: true })]
    return [say(results)]
  })
  // The task repeats its turn until the message arrives.
  const subAgents = { maxTurns: 100_000 }
  const options = { provider, store: "memory", logger, subAgents, maxConcurrentRuns: 1 } as const
  // There is only one place for runs, so the task cannot start before the run waits for it.
  const gateway = opened(createAgent("You plan.", options))
  const { response } = await gateway.run("Go.")
  expect(response).toContain("Hurried.")
})

it("informs the model of open tasks after a summary has replaced the messages that started them", async () => {
  const release = Promise.withResolvers<void>()
  const long = "Words that fill the window. ".repeat(60)
  const isSummary = ({ system }: ModelRequest) =>
    system.some(({ text }) => text.includes("You write summaries"))
  const provider = scriptedProvider((request) => {
    if (isSummary(request)) return [say("They talked.")]
    if (firstText(request) === "Work.") return [{ type: "wait", until: release.promise }, say("Found it.")]
    const said = JSON.stringify(request.messages)
    if (said.includes("Collect now.")) {
      if (said.includes("Found it.")) return [say("Collected.")]
      return [call("get_background_result", { task_id: "*", wait: true })]
    }
    if (firstText(request) === "Go." && resultsOf(request) === "[]" && !said.includes(long))
      return [call("run_agent", { task: "Work.", background: true })]
    return [say(long)]
  })
  const window = { model: "model", contextWindow: 6_000, maxTokens: 500 }
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: true, ...window }),
  )
  const { sessionId } = await gateway.run("Go.")
  for (let turn = 0; !provider.requests.some(isSummary); turn++) {
    await gateway.run(`${turn}: ${long}`, { sessionId })
  }
  await gateway.run(long, { sessionId })
  const last = provider.requests.findLast((request) => !isSummary(request) && firstText(request) !== "Work.")
  expect(JSON.stringify(last?.messages)).toContain("They talked.")
  expect(JSON.stringify(last?.messages.at(-1))).toContain("is running")
  release.resolve()
  expect((await gateway.run("Collect now.", { sessionId })).response).toBe("Collected.")
})
