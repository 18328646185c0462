import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import type { EventEntry } from "../../src/core/log/entries.ts"
import { longOrShort } from "../long-tests.ts"
import { all } from "./checks/observation.ts"
import { createKillGuard } from "./support/kill-guard.ts"
import { calls, prompt, type Script, says } from "./support/model.ts"
import { type PostgresServer, startPostgres } from "./support/postgres.ts"
import { createRandom } from "./support/random.ts"
import { type ServingOptions, type SessionEvents, serving } from "./support/serving.ts"

// Each test starts many processes, one after the other.

const seed = process.env.CRASH_SEED ?? String(Date.now())
const kills = longOrShort(20, 6)
const tags = ["a", "b", "c", "d"]

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

let databases = 0
const stores: readonly (readonly [string, () => Promise<ServingOptions>])[] = [
  ["SQLite", async () => ({ maxConcurrentRuns: 16 })],
  [
    "two nodes on Postgres",
    async () => ({
      maxConcurrentRuns: 16,
      nodes: 2,
      store: await server.createDatabase(`tasks_${databases++}`),
    }),
  ],
]

/** Starts four tasks, waits for all of them, and responds. */
const lead: Script = (call) => {
  if (call.turn === 0) {
    const started = tags.map((tag) => ({
      name: "run_agent",
      input: { task: prompt("work", tag), background: true },
    }))
    return calls(call, started)
  }
  const input = { task_id: "*", wait: true, timeout: 120 }
  return call.turn === 1 ? calls(call, [{ name: "get_background_result", input }]) : says(3)
}

/** In each of two turns, has one effect and one that may be repeated. Then responds. */
const work: Script = (call) => {
  if (call.turn > 1) return says(20, 10)
  return calls(call, [
    { name: "charge", input: { ms: 200 } },
    { name: "reserve", input: { ms: 300 } },
  ])
}

describe.each(stores)("on %s", (_, options) => {
  test(`four tasks are collected once each, over ${kills} kills (CRASH_SEED=${seed})`, async () => {
    const random = createRandom(seed)
    const { client, restart, effects, tree } = await serving({ script: lead, work }, await options())
    const mayKill = createKillGuard(tree)
    const { ended } = await client.chat({ message: "Play script for session." })
    for (let round = 0; round < kills; round++) {
      await delay(random.whole(50, 600))
      await mayKill()
      await restart(round)
    }
    await ended
    const [root, ...children] = await tree()
    const events = root?.events ?? []
    expect(children).toHaveLength(tags.length)
    expect(all(events, "runCompleted")).toMatchObject([{ disposition: "completed" }])
    const registered = all(events, "taskRegistered").map(({ taskId }) => taskId)
    expect(registered).toHaveLength(tags.length)
    expect(
      all(events, "taskEnded")
        .map(({ taskId }) => taskId)
        .toSorted(),
    ).toEqual(registered.toSorted())
    for (const { outcome } of all(events, "taskEnded"))
      expect(outcome).toMatchObject({ outcome: "completed" })
    const collected = all(events, "tasksCollected").flatMap(({ taskIds }) => taskIds)
    expect(collected.toSorted()).toEqual(registered.toSorted())
    for (const { events: own } of children) expect(all(own, "runCompleted")).toHaveLength(1)
    const made = await effects()
    const charges = made.filter(({ tool }) => tool === "charge").map(({ toolCallId }) => toolCallId)
    expect(new Set(charges).size).toBe(charges.length)
    const reservations = made.filter(({ tool }) => tool === "reserve").map(({ key }) => key)
    expect(new Set(reservations).size).toBe(2 * tags.length)
  })

  test("a nested approval is answered at the root after a kill, while another child streams", async () => {
    const start = (tag: string, script: string) => ({
      name: "run_agent",
      input: { task: prompt(script, tag) },
    })
    const scripts: Readonly<Record<string, Script>> = {
      script: (call) => (call.turn > 0 ? says(3) : calls(call, [start("m", "middle"), start("t", "talk")])),
      middle: (call) => (call.turn > 0 ? says(3) : calls(call, [start("p", "payer")])),
      payer: (call) => (call.turn > 0 ? says(3) : calls(call, [{ name: "pay", input: { amount: 7 } }])),
      talk: () => says(300, 50),
    }
    const { client, kill, start: startAll, effects, tree } = await serving(scripts, await options())
    const { ended } = await client.chat({ message: "Play script for session." })
    await client.pendingApproval()
    await kill()
    const killedAt = Date.now()
    startAll()
    const asked = await client.pendingApproval()
    const isTalk = ({ depth, events }: SessionEvents) => {
      const [started] = all(events, "runStarted")
      return depth === 1 && JSON.stringify(started?.content).includes("Play talk ")
    }
    const talksAgain = async () => {
      const talk = (await tree()).find(isTalk)
      const isCalled = ({ event, at }: EventEntry) =>
        /^step(Started|Retried)$/.test(event.type) && at > killedAt
      return talk?.events.some(isCalled) === true
    }
    await vi.waitUntil(talksAgain, { interval: 200 })
    await client.decide(asked, { approved: true })
    await ended
    expect(await effects()).toMatchObject([{ tool: "pay", input: { amount: 7 } }])
    const sessions = await tree()
    expect(sessions.map(({ depth }) => depth)).toEqual([0, 1, 1, 2])
    const [root] = sessions
    expect(all(root?.events ?? [], "runCompleted")).toMatchObject([{ disposition: "completed" }])
    const timeOf = (depth: number, type: string, script: string) => {
      const session = sessions.find((each) => {
        const [started] = all(each.events, "runStarted")
        return each.depth === depth && JSON.stringify(started?.content).includes(`Play ${script} `)
      })
      return session?.events.findLast(({ event }) => event.type === type)?.at ?? 0
    }
    const paid = timeOf(2, "toolCallCompleted", "payer")
    expect(paid).toBeGreaterThan(killedAt)
    expect(paid).toBeLessThan(timeOf(1, "messageCompleted", "talk"))
  })
})
