import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedTurn, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

const say = (text: string) => ({ type: "text", text }) as const
const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-jobs-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

function agentWith(script: readonly ScriptedTurn[], options: AgentOptions = {}) {
  const provider = scriptedProvider(script)
  const gateway = createAgent("You work.", { store: "memory", logger: silent, ...options, provider })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { gateway, provider }
}

describe("a job", () => {
  it("is one run, however often it is started", async () => {
    const { gateway, provider } = agentWith([[say("Done.")]])
    const first = await gateway.run("Work.", { jobId: "daily" })
    const again = await gateway.run("Work.", { jobId: "daily" })
    expect(first).toMatchObject({ existed: false, response: "Done." })
    expect(again).toEqual({ ...first, existed: true })
    expect(provider.requests).toHaveLength(1)
  })

  it("is one run for callers at the same time", async () => {
    const { gateway, provider } = agentWith([[say("Done.")]])
    const results = await Promise.all(
      Array.from({ length: 10 }, () => gateway.run("Work.", { jobId: "daily" })),
    )
    expect(new Set(results.map(({ runId }) => runId)).size).toBe(1)
    expect(provider.requests).toHaveLength(1)
  })

  it("is continued by another process at the point where the former one stopped", async () => {
    const store = await folder()
    const reached = Promise.withResolvers<void>()
    const look = tool({
      name: "look",
      description: "Looks.",
      inputSchema: { type: "object" },
      readOnly: true,
      execute: () => "seen",
    })
    const first = createAgent("You work.", {
      store,
      logger: silent,
      tools: [look],
      provider: scriptedProvider([
        [{ type: "toolCall", name: "look" }],
        () => {
          reached.resolve()
          return [{ type: "wait", until: new Promise(() => {}) }]
        },
      ]),
    })
    const left = first.run("Work.", { jobId: "nightly" }).catch((error: unknown) => error)
    await reached.promise
    await first.close({ graceMs: 0 })
    expect(await left).toMatchObject({ code: "shutting_down" })
    const { gateway, provider } = agentWith([[say("Done.")]], { store, tools: [look] })
    const result = await gateway.run("Work.", { jobId: "nightly" })
    expect(result).toMatchObject({ existed: true, response: "Done.", toolsUsed: ["look"] })
    // The model receives the stored result of the call. The tool is not called again.
    expect(provider.requests).toHaveLength(1)
    expect(JSON.stringify(provider.requests[0]?.messages)).toContain("seen")
  })

  it("differs by owner and id", async () => {
    const { gateway } = agentWith([[say("1")], [say("2")], [say("3")]])
    const [a, b, c] = [
      await gateway.run("Work.", { jobId: "a" }),
      await gateway.run("Work.", { jobId: "b" }),
      await gateway.run("Work.", { jobId: "a", userId: "ada" }),
    ]
    expect(new Set([a, b, c].map(({ sessionId }) => sessionId)).size).toBe(3)
  })

  it("may have other notes when it is repeated, but no other message", async () => {
    const { gateway, provider } = agentWith([[say("Done.")]])
    await gateway.run("Work.", { jobId: "daily", notes: ["State: 1"] })
    expect(await gateway.run("Work.", { jobId: "daily", notes: ["State: 2"] })).toMatchObject({
      existed: true,
    })
    expect(provider.requests[0]?.messages.at(-1)).toMatchObject({ content: [say("Work."), say("State: 1")] })
    await expect(gateway.run("Rest.", { jobId: "daily" })).rejects.toMatchObject({ code: "job_id_reused" })
  })

  it("is a run of a session, if one is named", async () => {
    const { gateway } = agentWith([[say("1")], [say("2")]])
    const { sessionId } = await gateway.run("Hello.")
    const first = await gateway.run("Work.", { sessionId, jobId: "a" })
    expect(first).toMatchObject({ sessionId, response: "2" })
    expect(await gateway.run("Work.", { sessionId, jobId: "a" })).toMatchObject({ runId: first.runId })
  })
})

describe("limits of a run", () => {
  it("limit its turns in addition to the agent's own limit", async () => {
    const loops = Array.from({ length: 3 }, () => [{ type: "toolCall", name: "look" }] as const)
    const look = tool({ name: "look", description: "L", inputSchema: { type: "object" }, execute: () => "x" })
    const { gateway, provider } = agentWith(loops, { tools: [look] })
    expect(await gateway.run("Work.", { limits: { maxTurns: 2 } })).toMatchObject({ reason: "max_turns" })
    expect(provider.requests).toHaveLength(2)
  })

  it("refuse a model of unknown price if they limit the cost", async () => {
    const { gateway, provider } = agentWith([[say("1")]])
    expect(await gateway.run("Work.", { limits: { maxBudgetUsd: 1 } })).toMatchObject({
      error: { code: "price_unknown" },
    })
    expect(provider.requests).toHaveLength(0)
  })
})

describe("park", () => {
  const pay = (paid: string[]) =>
    tool({
      name: "pay",
      description: "Pays.",
      inputSchema: { type: "object" },
      needsApproval: true,
      execute: () => {
        paid.push("paid")
        return "paid"
      },
    })

  it("returns when the run waits only for people, and another process finishes it", async () => {
    const store = await folder()
    const paid: string[] = []
    const script = [[say("I ask."), { type: "toolCall", name: "pay" }]] as const
    const first = agentWith(script, { store, tools: [pay(paid)] })
    const parked = await first.gateway.run("Pay.", { jobId: "bill", park: true })
    expect(parked).toMatchObject({ outcome: "parked", response: "I ask.", toolsUsed: ["pay"], error: null })
    await first.gateway.close({ graceMs: 0 })
    const { gateway } = agentWith([[say("Paid.")]], { store, tools: [pay(paid)] })
    const [wait] = await gateway.waits.list()
    if (wait === undefined) throw new Error("Nothing is open.")
    await gateway.waits.approve(wait)
    const result = await gateway.run("Pay.", { jobId: "bill", park: true })
    expect(result).toMatchObject({ outcome: "completed", response: "Paid.", existed: true })
    expect(paid).toEqual(["paid"])
  })

  it("waits for concurrent calls before it parks", async () => {
    const release = Promise.withResolvers<void>()
    const slow = tool({
      name: "slow",
      description: "Slow.",
      inputSchema: { type: "object" },
      execute: async () => release.promise.then(() => "ok"),
    })
    const script = [
      [
        { type: "toolCall", name: "pay" },
        { type: "toolCall", name: "slow" },
      ],
    ] as const
    const { gateway } = agentWith(script, { tools: [pay([]), slow] })
    const events: string[] = []
    const asked = Promise.withResolvers<void>()
    const running = gateway.run("Pay.", {
      park: true,
      onEvent: ({ type }) => {
        events.push(type)
        if (type === "tool_approval_request") asked.resolve()
      },
    })
    await asked.promise
    // By then, the gateway would have noticed that the run waits.
    for (let look = 0; look < 10; look++) await gateway.waits.list()
    release.resolve()
    expect(await running).toMatchObject({ outcome: "parked" })
    expect(events).toContain("tool_call_complete")
  })
})

it("excludedTools are not offered", async () => {
  const make = (name: string) =>
    tool({ name, description: name, inputSchema: { type: "object" }, execute: () => "" })
  const { gateway, provider } = agentWith([[say("1")]], {
    tools: [make("keep"), make("drop")],
    excludedTools: ["drop"],
  })
  await gateway.run("Hello.")
  expect(provider.requests[0]?.tools.map(({ name }) => name)).toEqual(["keep"])
})
