import { describe, expect, it, onTestFinished } from "vitest"
import type { Plugin, PluginServices } from "../../core/ports/plugin.ts"
import { tool } from "../../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createGateway } from "../create-gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const never = new AbortController().signal
const ada = { tenant: "app_default", userId: "ada" }

/** Says "Hi", or calls the tool that the message names. */
const provider = () =>
  scriptedProvider(({ messages }) => {
    const last = messages.at(-1)
    if (last?.role === "tool") return [{ type: "text", text: "Done." }]
    return JSON.stringify(last).includes("Pay")
      ? [{ type: "toolCall", name: "pay", input: { amount: 1 } }]
      : [{ type: "text", text: "Hi." }]
  })
const pay = tool({
  name: "pay",
  description: "Pay.",
  inputSchema: { type: "object" } as const,
  execute: ({ amount }: { amount?: number }) => `paid ${amount}`,
})

/** Opens a gateway with two agents, and resolves to the services of a plugin of each. */
async function open() {
  const services = new Map<string, PluginServices>()
  const early: unknown[] = []
  const plugin: Plugin = {
    name: "caller",
    async setup(given) {
      services.set(given.agent, given)
      await given.runs.start("Hi", { principal: ada }).catch((error: unknown) => early.push(error))
      return {}
    },
  }
  const agent = { systemPrompt: "Hi.", plugins: [plugin], tools: [pay], needsApproval: () => true }
  const gateway = createGateway({
    store: "memory",
    logger,
    agents: { a: { ...agent, provider: provider() }, b: { ...agent, provider: provider() } },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  await gateway.prepare()
  const of = (name: string) => {
    const found = services.get(name)
    if (found === undefined) throw new Error(`There is no agent ${name}.`)
    return found
  }
  return { gateway, a: of("a"), b: of("b"), early }
}

describe("the runs of a plugin", () => {
  it("start for a principal, are followed to their end, and have a result", async () => {
    const { a } = await open()
    const principal = a.runs.principalOf({ userId: "ada" })
    const run = await a.runs.start("Hi", { principal })
    const types: string[] = []
    for await (const { type } of a.runs.follow(run, { principal, signal: never })) types.push(type)
    expect([types.at(0), types.at(-1)]).toEqual(["text_delta", "stream_complete"])
    expect(await a.runs.result(run, { principal, signal: never })).toMatchObject({
      ...{ sessionId: run.sessionId, runId: run.runId },
      ...{ outcome: "completed", reason: null, error: null, response: "Hi.", toolsUsed: [] },
    })
    expect(await a.directory.session(run.sessionId)).toMatchObject({
      agent: "a",
      tenant: "plugin_caller.default",
      userId: "ada",
    })
  })

  it("with the id of a job start once, however often and at once they are asked for", async () => {
    const { a } = await open()
    const started = await Promise.all(
      Array.from({ length: 5 }, () => a.runs.start("Hi", { principal: ada, jobId: "delivery-1" })),
    )
    expect(new Set(started.map(({ runId }) => runId)).size).toBe(1)
    expect(started.filter(({ existed }) => !existed)).toHaveLength(1)
    await expect(a.runs.start("Other", { principal: ada, jobId: "delivery-1" })).rejects.toMatchObject({
      code: "job_id_reused",
    })
  })

  it("wait for answers, which the plugin gives for the principal", async () => {
    const { a } = await open()
    const run = await a.runs.start("Pay", { principal: ada })
    await expect.poll(() => a.runs.waits(run.sessionId, { principal: ada })).toHaveLength(1)
    const [wait] = await a.runs.waits(run.sessionId, { principal: ada })
    if (wait === undefined) throw new Error("There is no wait.")
    await a.runs.answer(
      wait,
      { kind: "approval", approved: true, editedInput: { amount: 2 } },
      { principal: ada },
    )
    const result = await a.runs.result(run, { principal: ada, signal: never })
    expect(result).toMatchObject({ outcome: "completed", toolsUsed: ["pay"] })
  })

  it("are canceled once", async () => {
    const { a } = await open()
    const run = await a.runs.start("Pay", { principal: ada })
    expect(await a.runs.cancel(run, { principal: ada })).toBe(true)
    expect(await a.runs.result(run, { principal: ada, signal: never })).toMatchObject({
      outcome: "interrupted",
      reason: "cancelled",
    })
    expect(await a.runs.cancel(run, { principal: ada })).toBe(false)
  })

  it("stay open if the follower leaves, and reject its iteration with the reason", async () => {
    const { a } = await open()
    const run = await a.runs.start("Pay", { principal: ada })
    const leaving = new AbortController()
    const following = (async () => {
      for await (const _ of a.runs.follow(run, { principal: ada, signal: leaving.signal }));
    })()
    leaving.abort(new Error("The client left."))
    await expect(following).rejects.toThrow("The client left.")
    expect(await a.directory.run(run.runId)).toMatchObject({ sessionId: run.sessionId, agent: "a" })
    expect(await a.runs.cancel(run, { principal: ada })).toBe(true)
  })

  it("of other agents and other principals are missing", async () => {
    const { a, b, gateway } = await open()
    const run = await a.runs.start("Hi", { principal: ada })
    const missing = { code: "session_not_found" }
    const eve = { principal: { tenant: "app_default", userId: "eve" } }
    await expect(b.runs.cancel(run, { principal: ada })).rejects.toMatchObject(missing)
    await expect(a.runs.cancel(run, eve)).rejects.toMatchObject(missing)
    await expect(a.runs.waits(run.sessionId, eve)).rejects.toMatchObject(missing)
    await expect(a.runs.start("Hi", { ...eve, sessionId: run.sessionId })).rejects.toMatchObject(missing)
    await expect(a.runs.result(run, { ...eve, signal: never })).rejects.toMatchObject(missing)
    await gateway.revokeSession(run.sessionId)
    await expect(a.runs.waits(run.sessionId, { principal: ada })).rejects.toMatchObject(missing)
    expect([await b.directory.session(run.sessionId), await b.directory.run(run.runId)]).toEqual([null, null])
    expect((await b.directory.sessions({ limit: 10 })).items).toEqual([])
  })

  it.each([
    ["acme", "ada"],
    ["console", "operator"],
    ["plugin_other.default", "ada"],
    ["app_default", ""],
  ])("refuse the tenant %j with the user %j", async (tenant, userId) => {
    const { a } = await open()
    await expect(a.runs.start("Hi", { principal: { tenant, userId } })).rejects.toThrow(
      /^The plugin caller acts for the user .* of the unknown tenant/,
    )
  })

  it("do not exist during the setup", async () => {
    const { early } = await open()
    expect(early).toMatchObject([{ code: "invalid_configuration" }, { code: "invalid_configuration" }])
  })
})
