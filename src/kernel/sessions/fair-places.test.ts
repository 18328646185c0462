import { expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import { joinTexts } from "../../core/history/messages.ts"
import type { ModelRequest } from "../../core/ports/model/provider.ts"
import { systemClock } from "../../core/time/clock.ts"
import { type ScriptedStep, scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import {
  alice,
  patience,
  prepareTestNodes,
  putAccepted,
  say,
  silentLogger,
  type TestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"

const start = prepareTestNodes()
const bob = { ...alice, userId: "bob" }
const eve = { ...alice, userId: "eve" }
const zoe = { tenant: "zoo", userId: "zoe" }

/**
 * Creates a model that holds every run until the test releases it, and records the messages in the order in which the
 * runs started.
 */
function holdingModel() {
  const begun: string[] = []
  const held: (() => void)[] = []
  const turn = ({ messages }: ModelRequest): readonly ScriptedStep[] => {
    const asked = messages.at(-1)
    if (asked?.role === "user") begun.push(joinTexts(asked.content))
    const { promise, resolve } = Promise.withResolvers<void>()
    held.push(resolve)
    return [{ type: "wait", until: promise }, say("done")]
  }
  return { provider: scriptedProvider(turn), begun, letGo: () => held.shift()?.() }
}

async function sayAs(node: TestNode, principal: typeof alice, text: string) {
  const { id } = await node.sessions.create(principal)
  return { id, run: await putAccepted(node, id, text, { principal }) }
}

it("a principal that fills its share does not delay another principal's run", async () => {
  const { provider, begun, letGo } = holdingModel()
  const node = await start(provider, { maxConcurrentRuns: 4, maxConcurrentRunsPerPrincipal: 2 })
  for (let run = 0; run < 10; run++) await sayAs(node, alice, "alice")
  await sayAs(node, bob, "bob")
  await vi.waitFor(() => expect(begun).toEqual(["alice", "alice", "bob"]), patience)
  expect(node.worker.activeRuns).toBe(3)
  letGo()
  await vi.waitFor(() => expect(begun).toEqual(["alice", "alice", "bob", "alice"]), patience)
})

it("the share also applies to commands without a principal", async () => {
  const { provider, begun } = holdingModel()
  const node = await start(provider, { maxConcurrentRuns: 4, maxConcurrentRunsPerPrincipal: 1 })
  const sessions = await Promise.all([alice, alice].map((principal) => node.sessions.create(principal)))
  for (const { id } of sessions) await putAccepted(node, id, "alice")
  await vi.waitFor(() => expect(begun).toEqual(["alice"]), patience)
  expect(node.worker.activeRuns).toBe(1)
})

it("principals take turns at free places, regardless of which run was accepted first", async () => {
  const { provider, begun, letGo } = holdingModel()
  const node = await start(provider, { maxConcurrentRuns: 1 })
  const runs = []
  for (const text of ["a1", "a2", "a3", "a4"]) runs.push(await sayAs(node, alice, text))
  for (const text of ["b1", "b2"]) runs.push(await sayAs(node, bob, text))
  runs.push(await sayAs(node, eve, "e1"))
  for (let ended = 0; ended < runs.length; ended++) {
    await vi.waitFor(() => expect(begun).toHaveLength(ended + 1), patience)
    letGo()
  }
  await Promise.all(runs.map(({ id, run }) => watchRun(node.sessions, id, run)))
  // The runs of one user may be accepted within the same millisecond. Then either may be first.
  expect(begun.map(([user]) => user)).toEqual(["a", "b", "e", "a", "b", "a", "a"])
})

it("thirty users of one tenant delay another tenant by at most one run", async () => {
  const { provider, begun, letGo } = holdingModel()
  const node = await start(provider, { maxConcurrentRuns: 4, maxConcurrentRunsPerPrincipal: 1 })
  const crowd = Array.from({ length: 30 }, (_, user) => ({ ...alice, userId: `user ${user}` }))
  for (const user of crowd) await sayAs(node, user, "crowd")
  await sayAs(node, zoe, "zoe")
  await sayAs(node, zoe, "zoe")
  await vi.waitFor(() => expect(begun).toEqual(["crowd", "crowd", "crowd", "crowd"]), patience)
  letGo()
  await vi.waitFor(() => expect(begun.slice(4)).toEqual(["zoe"]), patience)
  // Each user has one place for runs.
  letGo()
  await vi.waitFor(() => expect(begun.slice(4)).toEqual(["zoe", "crowd"]), patience)
})

it("a tenant leaves places free for tenants that had runs recently", async () => {
  const { provider, begun, letGo } = holdingModel()
  const node = await start(provider, { maxConcurrentRuns: 4, maxConcurrentRunsPerTenant: 3 })
  const greeting = await sayAs(node, zoe, "zoe")
  await vi.waitFor(() => expect(begun).toEqual(["zoe"]), patience)
  letGo()
  await watchRun(node.sessions, greeting.id, greeting.run)
  for (const principal of [alice, bob, eve, alice, bob, eve]) await sayAs(node, principal, "crowd")
  await sayAs(node, zoe, "zoe")
  await vi.waitFor(() => expect(begun).toEqual(["zoe", "crowd", "crowd", "crowd", "zoe"]), patience)
  expect(node.worker.activeRuns).toBe(4)
})

it("several tenants that fill the process leave a place for one without a run", async () => {
  const { provider, begun, letGo } = holdingModel()
  const node = await start(provider, { maxConcurrentRuns: 4, placesForNewTenants: 1 })
  const [first, second] = ["first", "second"].map((tenant) => ({ ...alice, tenant }))
  for (const principal of [first, second, first, second, first]) {
    await sayAs(node, principal ?? alice, "crowd")
  }
  await vi.waitFor(() => expect(begun).toEqual(["crowd", "crowd", "crowd"]), patience)
  await sayAs(node, zoe, "zoe")
  await sayAs(node, zoe, "zoe")
  await vi.waitFor(() => expect(begun.slice(3)).toEqual(["zoe"]), patience)
  // The place of the ended run stays reserved, although other runs wait.
  letGo()
  await vi.waitFor(() => expect(node.worker.activeRuns).toBe(3), patience)
  await sayAs(node, { tenant: "new", userId: "new" }, "new")
  await vi.waitFor(() => expect(begun.slice(4)).toEqual(["new"]), patience)
})

it("a run that is accepted while others wait for a place does not overtake them", async () => {
  const { provider, begun, letGo } = holdingModel()
  const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const putAndClaim = vi.fn(shared.log.putAndClaim)
  const node = await start(provider, {
    maxConcurrentRuns: 1,
    store: { ...shared, log: { ...shared.log, putAndClaim } },
  })
  await sayAs(node, alice, "first")
  await vi.waitFor(() => expect(begun).toEqual(["first"]), patience)
  await sayAs(node, bob, "second")
  await sayAs(node, eve, "third")
  expect(putAndClaim).toHaveBeenCalledTimes(1)
  for (const order of [
    ["first", "second"],
    ["first", "second", "third"],
  ]) {
    letGo()
    await vi.waitFor(() => expect(begun).toEqual(order), patience)
  }
})
