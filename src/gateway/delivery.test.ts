import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { patienceMs } from "../../test/patience.ts"
import { StoreUnavailableError } from "../core/errors.ts"
import type { Plugin } from "../core/ports/plugin.ts"
import type { Delivery, DeliveryOptions } from "../features/delivery/options.ts"
import { delivery } from "../features/delivery/plugin.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedTurn, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import { runAutonomous } from "./runs/run-autonomous.ts"

const say = (text: string) => ({ type: "text", text }) as const
const logger = { debug() {}, info() {}, warn() {}, error() {} }

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-delivery-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Starts a webhook that records the ids it receives and fails the first `failures` requests. */
async function webhook(failures = 0) {
  const ids: unknown[] = []
  const server = createServer((request, response) => {
    ids.push(request.headers["webhook-id"])
    request.resume()
    response.writeHead(ids.length <= failures ? 503 : 204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { ids, channel: { url, allowPrivateAddresses: true } }
}

const run = (channels: DeliveryOptions, options: { readonly store?: string; readonly jobId?: string } = {}) =>
  runAutonomous("You work.", "Work.", {
    provider: scriptedProvider([[say("Done.")]]),
    store: "memory",
    logger,
    delivery: channels,
    ...options,
  })

it("the end of a run is delivered to every channel before runAutonomous resolves", async () => {
  const { ids, channel } = await webhook()
  const onComplete = vi.fn()
  const writeFile = join(await folder(), "briefing.md")
  const output = await run({ webhook: channel, onComplete, writeFile })
  expect(output.warnings).toEqual([])
  expect(ids).toEqual([`webhook_${output.runId}`])
  expect(onComplete).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ id: `callback_${output.runId}`, response: "Done.", outcome: "completed" }),
    expect.anything(),
  )
  expect(await readFile(writeFile, "utf8")).toBe("Done.\n")
})

it("a failed delivery is retried with its id", async () => {
  const { ids, channel } = await webhook(1)
  const output = await run({ webhook: channel })
  expect(ids).toEqual([`webhook_${output.runId}`, `webhook_${output.runId}`])
  expect(output.warnings).toEqual([])
})

it("a delivery that can never arrive becomes a dead row with its reason, and a warning", async () => {
  const output = await run({ webhook: { url: "http://127.0.0.1:1" } })
  expect(output).toMatchObject({ error: null, warnings: [expect.stringContaining("private network")] })
})

it("deliveries that a process left open are made by the next one", async () => {
  const store = await folder()
  const { ids, channel } = await webhook()
  const agent = (channels: DeliveryOptions) =>
    createAgent("", {
      provider: scriptedProvider([[say("Done.")]]),
      store,
      logger,
      plugins: [delivery(channels)],
    })
  const reached = Promise.withResolvers<void>()
  const first = agent({
    webhook: channel,
    // The row of the other channel may be delivered in the meantime.
    onComplete: (_, { signal }) => {
      reached.resolve()
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason))
      })
    },
  })
  const { runId } = await first.run("Work.")
  await reached.promise
  await first.close({ graceMs: 0 })
  const onComplete = vi.fn()
  const second = agent({ webhook: channel, onComplete })
  onTestFinished(() => second.close({ graceMs: 0 }))
  await second.prepare()
  await vi.waitFor(() => expect(onComplete).toHaveBeenCalledOnce())
  expect(onComplete.mock.calls[0]?.[0]).toMatchObject({ id: `callback_${runId}` })
  expect(new Set(ids)).toEqual(new Set([`webhook_${runId}`]))
})

it("a repeated job delivers nothing twice", async () => {
  const store = await folder()
  const { ids, channel } = await webhook()
  await run({ webhook: channel }, { store, jobId: "a" })
  await run({ webhook: channel }, { store, jobId: "a" })
  expect(ids).toHaveLength(1)
})

it("runs that `when` excludes are not delivered", async () => {
  const onComplete = vi.fn()
  await run({ onComplete, when: ({ response }) => response !== "Done." })
  expect(onComplete).not.toHaveBeenCalled()
})

it.each([
  ["a promise", Promise.resolve(false)],
  ["nothing", undefined],
])("no run is delivered if `when` returns %s", async (_what, returned) => {
  const onComplete = vi.fn()
  await run({ onComplete, when: () => returned as never })
  expect(onComplete).not.toHaveBeenCalled()
})

/** Starts an agent that delivers to the returned function. `outage` makes the setups of this number of runs fail. */
function deliveringAgent(turns: readonly ScriptedTurn[]) {
  const onComplete = vi.fn()
  let failures = 0
  const readsStore: Plugin = {
    name: "reads-store",
    setup: () => ({
      openRun({ session }) {
        if (session === null || failures === 0) return {}
        failures--
        throw new StoreUnavailableError()
      },
    }),
  }
  const pay = tool({
    name: "pay",
    description: "Pays.",
    inputSchema: { type: "object" },
    execute: () => "paid",
  })
  const agent = createAgent("", {
    provider: scriptedProvider(turns),
    store: "memory",
    logger,
    validApiKeys: ["a key of the test"],
    tools: [pay],
    needsApproval: () => true,
    // Its setup fails once the run is canceled.
    memory: true,
    plugins: [delivery({ onComplete }), readsStore],
  })
  onTestFinished(() => agent.close({ graceMs: 0 }))
  const outcomes = () =>
    onComplete.mock.calls.map(([{ outcome, reason, error, response }]) => [
      outcome,
      reason ?? error?.code ?? null,
      response,
    ])
  const outage = (setups: number) => {
    failures = setups
  }
  return { agent, outcomes, outage }
}

const never = { type: "wait", until: new Promise(() => undefined) } as const

it("a run that is canceled while the model responds is delivered", async () => {
  const { agent, outcomes } = deliveringAgent([[say("Part"), never]])
  const stop = new AbortController()
  await agent.run("Work.", { signal: stop.signal, onText: () => stop.abort() })
  await vi.waitFor(() => expect(outcomes()).toEqual([["interrupted", "cancelled", "Part"]]))
})

it("a run that is canceled while it waits for an approval is delivered", async () => {
  const { agent, outcomes } = deliveringAgent([
    [{ type: "toolCall", name: "pay", input: {} }],
    [say("Done.")],
  ])
  const { sessionId } = await agent.run("Pay.", { park: true })
  await agent.run("Stop.", { sessionId, whenBusy: "interrupt" })
  await vi.waitFor(() => expect(outcomes()).toHaveLength(2))
  expect(outcomes()).toContainEqual(["interrupted", "cancelled", ""])
})

it("a run whose setup fails because the store is unavailable stays open, continues, and is delivered", async () => {
  const { agent, outcomes, outage } = deliveringAgent([[say("Done.")]])
  outage(2)
  expect(await agent.run("Work.")).toMatchObject({ outcome: "completed", response: "Done." })
  await vi.waitFor(() => expect(outcomes()).toEqual([["completed", null, "Done."]]))
})

it("a canceled run is delivered if the store is unavailable during the setup for its end", async () => {
  const { agent, outcomes, outage } = deliveringAgent([[{ type: "toolCall", name: "pay", input: {} }]])
  const { sessionId } = await agent.run("Pay.", { park: true })
  outage(4)
  await agent.revokeSession(sessionId)
  await vi.waitFor(() => expect(outcomes()).toEqual([["interrupted", "cancelled", ""]]), {
    timeout: patienceMs,
  })
})

it("a run that fails before its first response is delivered without the response of an earlier run", async () => {
  const { agent, outcomes } = deliveringAgent([[say("First.")], [{ type: "failure", code: "refused" }]])
  const { sessionId } = await agent.run("Work.")
  expect(await agent.run("Work more.", { sessionId })).toMatchObject({ outcome: "failed" })
  await vi.waitFor(() => expect(outcomes()).toHaveLength(2))
  expect(outcomes()).toContainEqual(["failed", "refused", ""])
})

const answerWithState = 'Done.\n\n```json\n{"topics": ["tea"]}\n```'

it("a delivery has the tools of the run, and its state with the update of the run", async () => {
  const look = tool({
    name: "look",
    description: "Looks.",
    inputSchema: { type: "object" },
    readOnly: true,
    execute: () => "seen",
  })
  const call = { type: "toolCall", name: "look" } as const
  const onComplete = vi.fn()
  const stateDir = await folder()
  const output = await runAutonomous("You work.", "Work.", {
    provider: scriptedProvider([[call], [say(answerWithState)]]),
    tools: [look],
    store: "memory",
    logger,
    stateDir,
    delivery: { onComplete },
  })
  expect(output.warnings).toEqual([])
  const [[delivered]] = onComplete.mock.calls as [[Delivery]]
  expect(delivered.toolsUsed).toEqual(["look"])
  expect(delivered.state).toMatchObject({ topics: ["tea"], outcome: "success", run_count: 1 })
  expect(delivered.state).not.toHaveProperty("_applied_runs")
})

it("a run that exceeds its time limit is delivered with the reason `timeout`", async () => {
  const onComplete = vi.fn()
  const slow = tool({
    name: "slow",
    description: "Waits.",
    inputSchema: { type: "object" },
    execute: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  })
  const call = { type: "toolCall", name: "slow" } as const
  const output = await runAutonomous("You work.", "Work.", {
    provider: scriptedProvider([[call]]),
    tools: [slow],
    store: "memory",
    logger,
    timeoutSeconds: 0.2,
    delivery: { onComplete },
  })
  expect(output.timedOut).toBe(true)
  expect(onComplete.mock.calls[0]?.[0]).toMatchObject({
    outcome: "interrupted",
    reason: "timeout",
    state: null,
  })
})

it("a row of an earlier process is delivered during a run, and without waiting for its end", async () => {
  const [store, stateDir] = [await folder(), await folder()]
  const left = createAgent("", {
    provider: scriptedProvider([[say("Left.")]]),
    store,
    logger,
    plugins: [delivery({ onComplete: () => Promise.reject(new Error("Not yet.")) })],
  })
  const { runId } = await left.run("Work.")
  await left.close({ graceMs: 0 })
  const onComplete = vi.fn()
  const delivered = Promise.withResolvers<void>()
  const wait = tool({
    name: "wait",
    description: "Waits.",
    inputSchema: { type: "object" },
    execute: () => delivered.promise,
  })
  const call = { type: "toolCall", name: "wait" } as const
  await runAutonomous("", "Work.", {
    provider: scriptedProvider([[call], [say("Done.")]]),
    tools: [wait],
    store,
    logger,
    stateDir,
    delivery: {
      onComplete(delivery) {
        onComplete(delivery)
        delivered.resolve()
      },
    },
  })
  expect(onComplete.mock.calls[0]?.[0]).toMatchObject({ id: `callback_${runId}`, state: {} })
  expect(onComplete).toHaveBeenCalledTimes(2)
})
