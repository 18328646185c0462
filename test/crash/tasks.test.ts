import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { all } from "./checks/observation.ts"
import { calls, prompt, type Script, says } from "./support/model.ts"
import { type PostgresServer, startPostgres } from "./support/postgres.ts"
import { createRandom } from "./support/random.ts"
import { type ServingOptions, serving } from "./support/serving.ts"

// Each starts many processes, one after the other.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const seed = process.env.CRASH_SEED ?? String(Date.now())
const kills = 20
const tags = ["a", "b", "c", "d"]

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const stores: readonly (readonly [string, () => Promise<ServingOptions>])[] = [
  ["SQLite", async () => ({ maxConcurrentRuns: 2 })],
  [
    "two nodes on Postgres",
    async () => ({ maxConcurrentRuns: 2, nodes: 2, store: await server.createDatabase("tasks") }),
  ],
]

/** Starts four tasks, waits for all of them, and says something. */
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

/** Has one effect each time and one that may be repeated, twice, and then says something. */
const work: Script = (call) => {
  if (call.turn > 1) return says(20, 10)
  return calls(call, [
    { name: "charge", input: { ms: 200 } },
    { name: "reserve", input: { ms: 300 } },
  ])
}

describe.each(stores)("on %s", (_, options) => {
  test(`four background tasks are collected once each, over ${kills} kills at random times (CRASH_SEED=${seed})`, async () => {
    const random = createRandom(seed)
    const { client, restart, effects, tree } = await serving({ script: lead, work }, await options())
    const { ended } = await client.chat({ message: "Play script for session." })
    for (let round = 0; round < kills; round++) {
      await delay(random.whole(50, 600))
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
})
