import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { expect, it, onTestFinished, vi } from "vitest"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { SkillStateStore } from "../features/skills/state/skill-state-store.ts"
import { resolveSubAgentOptions } from "../features/sub-agents/options.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import { createGateway } from "./create-gateway.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

const firstText = ({ messages }: ModelRequest): string => {
  const [first] = messages
  const part = first?.role === "user" ? first.content[0] : undefined
  return part?.type === "text" ? part.text : ""
}
const promptOf = ({ system }: ModelRequest) => system.map(({ text }) => text).join("\n")
const runAgent = (input: { task: string; agent?: string; model?: string }): ScriptedStep => ({
  type: "toolCall",
  name: "run_agent",
  input,
})

/**
 * Returns a model. In the first message, it delegates these tasks, and then it responds with their results. As a
 * sub-agent, it responds with its task.
 */
function model(...calls: readonly ScriptedStep[]) {
  return scriptedProvider((request) => {
    if (firstText(request) !== "Go.") return [{ type: "text", text: `Did ${firstText(request)}.` }]
    // A note on background tasks may follow the results.
    const last = request.messages.findLast(({ role }) => role === "tool")
    return last?.role === "tool" ? [{ type: "text", text: JSON.stringify(last.results) }] : calls
  })
}

function opened(gateway: Gateway): Gateway {
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

const named = (name: string) =>
  tool({ name, description: "Notes.", inputSchema: { type: "object" }, execute: () => "noted" })
const note = named("note")

it("delegates tasks to sub-agents with the agent's prompt and tools, except the excluded ones", async () => {
  const provider = model(runAgent({ task: "one" }), runAgent({ task: "two" }))
  const secret = named("secret_key")
  const options = { provider, store: "memory", logger, tools: [note, secret] } as const
  const gateway = opened(
    createAgent("You plan.", {
      ...options,
      subAgents: { excludedTools: ["secret_*"], background: false },
      maxConcurrentRuns: 1,
    }),
  )
  const { response } = await gateway.run("Go.")
  expect(response).toContain("Did one.")
  expect(response).toContain("Did two.")
  const [root, child] = provider.requests
  expect(root?.tools.map(({ name }) => name)).toEqual(["note", "secret_key", "run_agent"])
  expect(child?.tools.map(({ name }) => name)).toEqual(["note"])
  expect(child === undefined ? "" : promptOf(child)).toMatch(/^You plan\.\nYou work as a sub-agent/)
  expect(root === undefined ? "" : promptOf(root)).toBe("You plan.")
})

it("finds a skill by the name of its file as well", async () => {
  const skillsDir = await mkdtemp(join(tmpdir(), "skills-"))
  await writeFile(join(skillsDir, "find_files.md"), "---\nname: finder\ndescription: Finds.\n---\nYou find.")
  const provider = model(
    { type: "toolCall", name: "load_skill", input: { name: "find_files" } },
    runAgent({ task: "one", agent: "find_files" }),
  )
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, skillsDir, subAgents: true }),
  )
  const { response } = await gateway.run("Go.")
  expect(response).toContain(String.raw`{\"skill\":\"finder\"`)
  expect(response).toContain('"agent":"finder"')
})

it("offers the allowed models for sub-agents, with 30 turns and ten minutes by default", async () => {
  const provider = model(runAgent({ task: "one", model: "small" }))
  const gateway = opened(
    createAgent("You plan.", {
      ...{ provider, store: "memory", logger, model: "large", allowedModels: ["small", "large"] },
      subAgents: true,
    }),
  )
  expect((await gateway.run("Go.")).response).toContain("Did one.")
  const [root, child] = provider.requests
  expect(root?.tools[0]?.inputSchema.properties).toMatchObject({ model: { enum: ["small", "large"] } })
  expect(child?.model).toBe("small")
  expect(resolveSubAgentOptions({})).toMatchObject({ maxTurns: 30, timeoutSeconds: 600 })
})

it("shows each sub-agent under the name that its result has", async () => {
  const skillsDir = await mkdtemp(join(tmpdir(), "skills-"))
  await writeFile(join(skillsDir, "finder.md"), "---\nname: finder\ndescription: Finds.\n---\nYou find.")
  const provider = model(runAgent({ task: "one" }), runAgent({ task: "two", agent: "finder" }))
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, skillsDir, subAgents: true }),
  )
  const shown: string[] = []
  const { response } = await gateway.run("Go.", {
    onEvent: (event) => void (event.type === "sub_agent_start" && shown.push(event.agent_name)),
  })
  expect(shown.sort()).toEqual(["finder", "sub-agent"])
  for (const name of shown) expect(response).toContain(`"agent":"${name}"`)
})

it("starts a sub-agent with a skill, with its prompt, model, limits and tools", async () => {
  const skillsDir = await mkdtemp(join(tmpdir(), "skills-"))
  const fields = "description: Finds sources.\nmodel: small-model\nmax_turns: 2\nallowed-tools: note"
  await writeFile(join(skillsDir, "finder.md"), `---\nname: finder\n${fields}\n---\nYou find sources.`)
  const provider = scriptedProvider((request) => {
    if (firstText(request) === "Go.") {
      const last = request.messages.at(-1)
      if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results) }]
      return [runAgent({ task: "loop", agent: "finder" })]
    }
    return [{ type: "toolCall", name: "hidden", input: {} }]
  })
  const hidden = named("hidden")
  const options = { provider, store: "memory", logger, tools: [note, hidden] } as const
  const gateway = opened(createAgent("You plan.", { ...options, skillsDir, subAgents: true }))
  const { response } = await gateway.run("Go.")
  expect(response).toContain('"outcome":"interrupted","reason":"max_turns"')
  const child = provider.requests.find((request) => firstText(request) === "loop")
  expect(child?.model).toBe("small-model")
  expect(child === undefined ? "" : promptOf(child)).toMatch(/^You find sources\./)
  expect(child?.tools.map(({ name }) => name)).toEqual(["note"])
  const refused = provider.requests.filter((request) => firstText(request) === "loop").at(-1)
  expect(JSON.stringify(refused?.messages.at(-1))).toContain("unknown_tool")
})

it("saves the responses of skills as dated files, whether the call waits or not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skills-"))
  await writeFile(join(folder, "finder.md"), "---\nname: finder\ndescription: Finds.\n---\nYou find.")
  const inBackground = { ...runAgent({ task: "two", agent: "finder" }) }
  const provider = model(
    runAgent({ task: "one", agent: "finder" }),
    { ...inBackground, input: { task: "two", agent: "finder", background: true } } as ScriptedStep,
    runAgent({ task: "three" }),
  )
  const outputsDir = join(folder, "outputs")
  const options = { provider, store: "memory", logger, skillsDir: folder } as const
  const gateway = opened(createAgent("You plan.", { ...options, subAgents: { outputsDir } }))
  await gateway.run("Go.")
  const files = await vi.waitUntil(
    async () => {
      const found = (await readdir(outputsDir).catch(() => [])).filter((name) => name.endsWith(".md"))
      return found.length === 2 ? found : null
    },
    { interval: 20 },
  )
  for (const file of files) expect(file).toMatch(/^\d{4}-\d\d-\d\d-finder-call_\w+\.md$/)
  const texts = await Promise.all(files.map((file) => readFile(join(outputsDir, file), "utf8")))
  expect(texts.toSorted()).toEqual(["Did one.", "Did two."])
})

it("shows a sub-agent the state of its skill, and saves the update in its last response", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skills-"))
  const fields = "description: Counts.\npersist_state: true"
  await writeFile(join(folder, "counter.md"), `---\nname: counter\n${fields}\n---\nYou count.`)
  const update = (json: string) => `Counted.\n\n## STATE_UPDATE_JSON\n\n\`\`\`json\n${json}\n\`\`\``
  const provider = scriptedProvider((request) => {
    const task = firstText(request)
    // A sub-agent without the skill has no state to change.
    if (task === "plain") return [{ type: "text", text: update('{"count": 99}') }]
    if (task === "count") return [{ type: "text", text: update('{"count": 1}') }]
    if (request.messages.at(-1)?.role === "tool") return [{ type: "text", text: "Done." }]
    return [runAgent({ task: "count", agent: "counter" }), runAgent({ task: "plain" })]
  })
  const skillStateFile = join(folder, "state.json")
  const options = { provider, store: "memory", logger, skillsDir: folder, skillStateFile } as const
  const gateway = opened(createAgent("You plan.", { ...options, subAgents: true }))
  await gateway.run("Go.")
  const store = new SkillStateStore(skillStateFile)
  await vi.waitFor(async () => expect(await store.get("counter")).toEqual({ count: 1 }))
  await gateway.run("Go.")
  const prompts = provider.requests.filter((request) => firstText(request) === "count").map(promptOf)
  expect(prompts).toEqual([
    expect.stringMatching(/^You count\.[\s\S]+State that former runs saved[\s\S]+\n\{\}\n/),
    expect.stringContaining('\n{"count":1}\n'),
  ])
  await gateway.close({ graceMs: 0 })
  expect(await store.get("counter")).toEqual({ count: 1 })
})

it("hands tasks to other agents of the gateway that the options name", async () => {
  const research = model()
  const gateway = opened(
    createGateway({
      store: "memory",
      logger,
      agents: {
        lead: {
          systemPrompt: "You lead.",
          provider: model(
            runAgent({ task: "look", agent: "research" }),
            runAgent({ task: "x", agent: "other" }),
          ),
          subAgents: { agents: ["research"] },
        },
        research: { systemPrompt: "You research.", provider: research },
        other: { systemPrompt: "You are somebody else's.", provider: model() },
      },
    }),
  )
  const { response } = await gateway.run("Go.")
  expect(response).toContain("Did look.")
  expect(response).toContain("unknown_agent")
  expect(research.requests.map(promptOf)).toEqual(["You research."])
})

it("refuses to start with an agent that the gateway does not have", async () => {
  const gateway = opened(
    createAgent("You plan.", {
      provider: model(),
      store: "memory",
      logger,
      subAgents: { agents: ["nobody"] },
    }),
  )
  await expect(gateway.run("Go.")).rejects.toThrow('the gateway has no agent "nobody"')
})

it("runs all sub-agents of one message, at most as many at once as the options allow", async () => {
  const tasks = Array.from({ length: 9 }, (_, index) => `task ${index}`)
  let [started, working, most] = [0, 0, 0]
  const workBesideAnother = async () => {
    started += 1
    most = Math.max(most, ++working)
    await vi.waitFor(() => expect(working > 1 || started === tasks.length).toBe(true))
    // A third sub-agent would start now.
    await delay(50)
    working -= 1
  }
  const provider = scriptedProvider((request) => {
    if (firstText(request) === "Go.") {
      const last = request.messages.at(-1)
      if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results) }]
      return tasks.map((task) => runAgent({ task }))
    }
    return [
      { type: "wait", until: workBesideAnother() },
      { type: "text", text: `Did ${firstText(request)}.` },
    ]
  })
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: { maxConcurrent: 2 } }),
  )
  const { response } = await gateway.run("Go.")
  for (const task of tasks) expect(response.split(`Did ${task}.`)).toHaveLength(2)
  expect(most).toBe(2)
})

it("lets sub-agents start further ones down to the depth that the options allow", async () => {
  const provider = scriptedProvider((request) => {
    const last = request.messages.at(-1)
    if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results) }]
    return [runAgent({ task: `${firstText(request)}!` })]
  })
  const gateway = opened(
    createAgent("You plan.", {
      provider,
      store: "memory",
      logger,
      subAgents: { maxDepth: 2, background: false },
    }),
  )
  const { response } = await gateway.run("Go")
  expect(response).toContain("unknown_tool")
  expect(provider.requests.map(({ tools }) => tools.length)).toEqual([1, 1, 0, 0, 1, 1])
})

it("lets the model choose among the models that the options list", async () => {
  const provider = model(runAgent({ task: "a", model: "small" }), runAgent({ task: "b", model: "huge" }))
  const gateway = opened(
    createAgent("You plan.", { provider, store: "memory", logger, subAgents: { models: ["small"] } }),
  )
  const { response } = await gateway.run("Go.")
  expect(response).toContain("invalid_input")
  expect(provider.requests.map((request) => request.model)).toContain("small")
})
