import { setTimeout as delay } from "node:timers/promises"
import { expect, test, vi } from "vitest"
import { all } from "./checks/observation.ts"
import { calls, type Script, says } from "./support/model.ts"
import { createRandom } from "./support/random.ts"
import { serving } from "./support/serving.ts"

// Each starts many processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

const seed = process.env.CRASH_SEED ?? String(Date.now())

/** Hands three tasks to sub-agents, and says something once it has all results. */
const lead: Script = (call) =>
  call.turn > 0
    ? says(3)
    : calls(
        call,
        ["a", "b", "c"].map((tag) => ({ name: "delegate", input: { script: "work", tag } })),
      )

/** Has one effect that may be repeated, then says something. */
const work: Script = (call) =>
  call.turn > 0 ? says(20) : calls(call, [{ name: "reserve", input: { ms: 50 } }])

test(`a parent of three children ends once, with each answer once, over kills at random times (CRASH_SEED=${seed})`, async () => {
  const random = createRandom(seed)
  const { client, kill, start, effects, tree } = await serving({ script: lead, work })
  const { ended } = await client.chat({ message: "Play script for session." })
  for (let round = 0; round < 6; round++) {
    await delay(random.whole(100, 700))
    await kill()
    start()
  }
  await ended
  const [root, ...children] = await tree()
  expect(children).toHaveLength(3)
  expect(all(root?.events ?? [], "runCompleted")).toMatchObject([{ disposition: "completed" }])
  const answers = all(root?.events ?? [], "waitResolved")
  expect(answers.map(({ kind }) => kind)).toEqual(["child", "child", "child"])
  expect(new Set(answers.map(({ waitId }) => waitId)).size).toBe(3)
  for (const { events } of children) expect(all(events, "runCompleted")).toHaveLength(1)
  // The key of an idempotent call is the same however often it is executed.
  expect(new Set((await effects()).map(({ key }) => key)).size).toBe(3)
})

test("a canceled parent ends its children, those about to start included, also after a kill", async () => {
  const { client, kill, start, tree } = await serving({ script: lead, work: () => says(2_000, 10) })
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
        // A child that no process had taken yet never begins.
        const ends = [...all(events, "runWithdrawn"), ...all(events, "runCompleted")]
        expect(ends).toHaveLength(1)
        if (ends[0]?.type === "runCompleted") expect(ends[0].reason).toBe("cancelled")
      }
    },
    { timeout: 20_000, interval: 200 },
  )
})

test("an approval that a grandchild asks for is answered through the root after a restart", async () => {
  const nested =
    (script: string): Script =>
    (call) =>
      call.turn > 0
        ? says(3)
        : calls(call, [{ name: "delegate", input: { script, tag: `${call.tag}-${script}` } }])
  const asking: Script = (call) =>
    call.turn > 0 ? says(3) : calls(call, [{ name: "pay", input: { amount: 7 } }])
  const scripts = { script: nested("middle"), middle: nested("asking"), asking }
  const { client, kill, start, effects, tree } = await serving(scripts)
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
