import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { all } from "./checks/observation.ts"
import { createKillGuard } from "./support/kill-guard.ts"
import { calls, type Script, says } from "./support/model.ts"
import { type PostgresServer, startPostgres } from "./support/postgres.ts"
import { createRandom } from "./support/random.ts"
import { type ServingOptions, serving } from "./support/serving.ts"

// Each test starts many processes, one after the other.

const seed = process.env.CRASH_SEED ?? String(Date.now())

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

let databases = 0
const stores: readonly (readonly [string, () => Promise<ServingOptions>])[] = [
  ["SQLite", async () => ({ maxConcurrentRuns: 1 })],
  [
    "two nodes on Postgres",
    async () => {
      const store = await server.createDatabase(`children_${databases++}`)
      return { maxConcurrentRuns: 1, nodes: 2, store }
    },
  ],
]

/** Delegates three tasks to sub-agents, and responds once all results are there. */
const lead: Script = (call) =>
  call.turn > 0
    ? says(3)
    : calls(
        call,
        ["a", "b", "c"].map((tag) => ({ name: "delegate", input: { script: "work", tag } })),
      )

/** Has one effect that may be repeated, and then responds. */
const work: Script = (call) =>
  call.turn > 0 ? says(20) : calls(call, [{ name: "reserve", input: { ms: 50 } }])

describe.each(stores)("with places for one run in each process, on %s", (_, options) => {
  test(`a parent of three children ends once, with each answer once, over kills at random times (CRASH_SEED=${seed})`, async () => {
    const random = createRandom(seed)
    const { client, restart, effects, tree } = await serving({ script: lead, work }, await options())
    const mayKill = createKillGuard(tree)
    const { ended } = await client.chat({ message: "Play script for session." })
    for (let round = 0; round < 6; round++) {
      await delay(random.whole(100, 700))
      await mayKill()
      await restart(round)
    }
    await ended
    const [root, ...children] = await tree()
    expect(children).toHaveLength(3)
    expect(all(root?.events ?? [], "runCompleted")).toMatchObject([{ disposition: "completed" }])
    const answers = all(root?.events ?? [], "waitResolved")
    expect(answers.map(({ kind }) => kind)).toEqual(["child", "child", "child"])
    expect(new Set(answers.map(({ waitId }) => waitId)).size).toBe(3)
    for (const { events } of children) expect(all(events, "runCompleted")).toHaveLength(1)
    // An idempotent call has the same key in each execution.
    expect(new Set((await effects()).map(({ key }) => key)).size).toBe(3)
  })

  test("a canceled parent ends its children, including those about to start, even after a kill", async () => {
    const { client, kill, start, tree } = await serving(
      { script: lead, work: () => says(2_000, 10) },
      await options(),
    )
    const { runId, ended } = await client.chat({ message: "Play script for session." })
    await client.seeAll("tool_call_start", 3)
    await client.cancel(runId)
    await kill()
    start()
    await ended
    await vi.waitFor(
      async () => {
        const [root, ...children] = await tree()
        expect(all(root?.events ?? [], "runCompleted")).toMatchObject([{ reason: "cancelled" }])
        for (const { events } of children) {
          // A child that no process has taken yet never starts.
          const ends = [...all(events, "runWithdrawn"), ...all(events, "runCompleted")]
          expect(ends).toHaveLength(1)
          if (ends[0]?.type === "runCompleted") expect(ends[0].reason).toBe("cancelled")
        }
      },
      { interval: 200 },
    )
  })

  test("an approval of a grandchild is answered through the root after a restart", async () => {
    const nested =
      (script: string): Script =>
      (call) =>
        call.turn > 0
          ? says(3)
          : calls(call, [{ name: "delegate", input: { script, tag: `${call.tag}-${script}` } }])
    const asking: Script = (call) =>
      call.turn > 0 ? says(3) : calls(call, [{ name: "pay", input: { amount: 7 } }])
    const scripts = { script: nested("middle"), middle: nested("asking"), asking }
    const { client, kill, start, effects, tree } = await serving(scripts, await options())
    const { ended } = await client.chat({ message: "Play script for session." })
    await client.pendingApproval()
    await kill()
    start()
    const asked = await client.pendingApproval()
    await client.decide(asked, { approved: true })
    await ended
    expect(await effects()).toMatchObject([{ tool: "pay", input: { amount: 7 } }])
    expect((await tree()).map(({ depth }) => depth)).toEqual([0, 1, 2])
  })
})
