import assert from "node:assert/strict"
import { randomIds } from "../../../core/ids.ts"
import type { Lease, SessionLog } from "../../../core/ports/store/session-log.ts"
import { createAgentName, createMessage, requireAcceptedPut, type SessionLogCase } from "../fixtures.ts"

const [ada, bob, eve] = ["ada", "bob", "e\"ve'\u0000"].map((userId) => ({ tenant: "tenant", userId }))

const [yan, zoe] = [
  { tenant: "zoo", userId: "yan" },
  { tenant: "zoo", userId: "zoe" },
]

/** Creates waiting sessions, oldest first, each named by its owner and a number. */
async function waiting(log: SessionLog, agent: string, owners: readonly (typeof ada)[]) {
  const names = new Map<string, string>()
  for (const [index, owner = { tenant: "", userId: "" }] of owners.entries()) {
    const id = randomIds.next("sess")
    await log.createSession({ id, ...owner, agent, createdAt: 1_000 })
    requireAcceptedPut(await log.put(createMessage(id, { at: 2_000 + index })))
    names.set(id, `${owner.userId[0]}${index}`)
  }
  return (leases: readonly Lease[]) => leases.map(({ sessionId }) => names.get(sessionId)).sort()
}

export const shareCases: readonly SessionLogCase[] = [
  {
    rule: 9,
    name: "if more sessions are runnable than requested, each principal's oldest comes first, then each one's second",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const named = await waiting(log, agent, [ada, ada, ada, ada, bob, eve, bob])
      assert.deepEqual(named(await log.claimRunnable([agent], 4)), ["a0", "a1", "b4", "e5"])
      assert.deepEqual(named(await log.claimRunnable([agent], 1)), ["a2"])
      assert.deepEqual(named(await log.claimRunnable([agent], 9)), ["a3", "b6"])
    },
  },
  {
    rule: 9,
    name: "the sessions that a principal holds count as its turns, and it receives no more than its share",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const named = await waiting(log, agent, [ada, ada, eve, eve, eve, bob])
      const held = [
        { tenant: "tenant", userId: "ada", count: 2, lastTurn: 3 },
        { tenant: "other", userId: "bob", count: 9, lastTurn: 1 },
        { tenant: "tenant", userId: "e\"ve'\u0000", count: 1, lastTurn: 2 },
      ]
      const claim = async (limit: number) => {
        return named(await log.claimRunnable([agent], limit, { perPrincipal: 3, perTenant: 99, held }))
      }
      assert.deepEqual(await claim(2), ["b5", "e2"])
      assert.deepEqual(await claim(9), ["a0", "e3", "e4"])
      assert.deepEqual(
        named(await log.claimRunnable([agent], 9, { perPrincipal: 1, perTenant: 99, held: [] })),
        ["a1"],
      )
    },
  },
  {
    rule: 9,
    name: "among principals with equal turns, the one whose last turn is longest ago comes first",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const named = await waiting(log, agent, [ada, ada, bob, eve])
      const held = [
        { tenant: "tenant", userId: "ada", count: 0, lastTurn: 7 },
        { tenant: "tenant", userId: "bob", count: 0, lastTurn: 6 },
      ]
      const claim = async () =>
        named(await log.claimRunnable([agent], 1, { perPrincipal: 9, perTenant: 9, held }))
      assert.deepEqual([await claim(), await claim(), await claim()], [["e3"], ["b2"], ["a0"]])
    },
  },
  {
    rule: 9,
    name: "tenants take turns before their principals do, even if a tenant has many principals",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const crowd = Array.from({ length: 6 }, (_, user) => ({ tenant: "crowd", userId: `${user}_` }))
      const named = await waiting(log, agent, [...crowd, ...crowd, yan, zoe, zoe])
      // The order is: the oldest session of the large tenant, and then one session of each principal of the other
      // tenant before any second one.
      assert.deepEqual(named(await log.claimRunnable([agent], 4)), ["00", "11", "y12", "z13"])
      assert.deepEqual(named(await log.claimRunnable([agent], 2)), ["22", "z14"])
      assert.deepEqual(named(await log.claimRunnable([agent], 5)), ["06", "17", "33", "44", "55"])
    },
  },
  {
    rule: 9,
    name: "the sessions that a tenant holds count as its turns, and it receives no more than its share",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const named = await waiting(log, agent, [ada, bob, eve, eve, yan, zoe])
      const held = [
        { tenant: "tenant", userId: "nil", count: 1, lastTurn: 8 },
        { tenant: "tenant", userId: "ada", count: 1, lastTurn: 9 },
        { tenant: "zoo", userId: "yan", count: 1, lastTurn: 7 },
      ]
      const claim = async (limit: number, perTenant: number) => {
        return named(await log.claimRunnable([agent], limit, { perPrincipal: 9, perTenant, held }))
      }
      assert.deepEqual(await claim(1, 9), ["z5"])
      assert.deepEqual(await claim(9, 2), ["y4"])
      assert.deepEqual(await claim(9, 4), ["b1", "e2"])
    },
  },
  {
    rule: 9,
    name: "places that are reserved for new tenants go to sessions of tenants that hold none, one each",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const named = await waiting(log, agent, [ada, bob, yan, zoe, ada, ada])
      const held = [{ tenant: "tenant", userId: "bob", count: 1, lastTurn: 1 }]
      const claim = async (limit: number, forPresentTenants: number) => {
        const shares = { perPrincipal: 9, perTenant: 9, held, forPresentTenants }
        return named(await log.claimRunnable([agent], limit, shares))
      }
      assert.deepEqual(await claim(4, 0), ["y2"])
      // One of the other sessions is the first of its tenant as well.
      assert.deepEqual(await claim(4, 2), ["a0", "z3"])
      assert.deepEqual(await claim(4, 1), ["a4"])
      assert.deepEqual(await claim(4, 4), ["a5", "b1"])
    },
  },
  {
    rule: 9,
    name: "the last places of a tenant go to sessions of its principals that hold none, one each",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const named = await waiting(log, agent, [ada, ada, bob, bob, eve, zoe, zoe])
      const held = [
        { tenant: "tenant", userId: "ada", count: 2, lastTurn: 1 },
        { tenant: "tenant", userId: "nil", count: 1, lastTurn: 2 },
      ]
      const claim = async (perTenantOfPresentPrincipals: number) => {
        const shares = { perPrincipal: 9, perTenant: 5, held, perTenantOfPresentPrincipals }
        return named(await log.claimRunnable([agent], 9, shares))
      }
      assert.deepEqual(await claim(3), ["b2", "e4", "z5", "z6"])
      assert.deepEqual(await claim(4), ["b3"])
      assert.deepEqual(await claim(5), ["a0", "a1"])
    },
  },
  {
    rule: 9,
    name: "among tenants with equal turns, the one whose last turn is longest ago comes first",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const named = await waiting(log, agent, [ada, yan])
      const held = [
        { tenant: "tenant", userId: "bob", count: 0, lastTurn: 7 },
        { tenant: "zoo", userId: "zoe", count: 0, lastTurn: 6 },
      ]
      const claim = async () => {
        return named(await log.claimRunnable([agent], 1, { perPrincipal: 9, perTenant: 9, held }))
      }
      assert.deepEqual([await claim(), await claim()], [["y1"], ["a0"]])
    },
  },
]
