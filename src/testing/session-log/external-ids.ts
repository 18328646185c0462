import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { NewSession } from "../../core/ports/store/session-log.ts"
import { createAgentName, createMessage, requireAcceptedPut, type SessionLogCase } from "./fixtures.ts"

const odd = "nul \u0000, halves \ud800 and \udfff, \u{1f600}, quote \" and ' and \\, %_ $1 ?"

function createNewSession(session: Partial<NewSession> = {}): NewSession {
  const owner = { tenant: "tenant", userId: "user" }
  return { id: randomIds.next("sess"), ...owner, agent: createAgentName(), createdAt: 1_000, ...session }
}

export const externalIdCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a session with an external id is opened again by it, for the same tenant, user and agent only",
    async run({ open }) {
      const { log, directory } = await open()
      for (const externalId of ["chat 1", odd, "x".repeat(200), " ", "CHAT 1"]) {
        const first = createNewSession({ userId: `user ${externalId}` })
        const { id, agent, tenant, userId } = first
        assert.equal(await log.findSession(first, agent, externalId), null)
        assert.deepEqual(await log.openSession(first, externalId), { sessionId: id, isNew: true })
        const again = createNewSession({ agent, tenant, userId, createdAt: 2_000 })
        assert.deepEqual(await log.openSession(again, externalId), { sessionId: id, isNew: false })
        assert.equal(await log.session(again.id), null)
        const session = await log.session(id)
        assert.deepEqual(await log.findSession(first, agent, externalId), session)
        assert.deepEqual([session?.externalId, session?.createdAt], [externalId, 1_000])
        assert.equal((await directory.session(id))?.externalId, externalId)
        const { items } = await directory.sessions({ principal: { tenant, userId }, limit: 10 })
        assert.deepEqual(
          items.map((listed) => listed.externalId),
          [externalId],
        )
        const others = [
          { agent: createAgentName(), tenant, userId },
          { agent, tenant: "other", userId },
          { agent, tenant, userId: "other" },
        ]
        for (const other of others) {
          assert.equal(await log.findSession(other, other.agent, externalId), null)
          const opened = await log.openSession(createNewSession(other), externalId)
          assert.deepEqual([opened.isNew, opened.sessionId === id], [true, false])
        }
      }
    },
  },
  {
    rule: null,
    name: "sessions without an external id do not affect each other, and a claim reports the external id",
    async run({ open }) {
      const { log } = await open()
      const plain = createNewSession()
      await log.createSession(plain)
      await log.createSession({ ...plain, id: randomIds.next("sess") })
      assert.equal((await log.session(plain.id))?.externalId, null)
      const named = createNewSession()
      await log.openSession(named, "label")
      const { lease, found } = await log.putAndClaim(createMessage(named.id), [named.agent])
      assert.equal(lease?.sessionId, named.id)
      if (found !== undefined) assert.equal(found.session.externalId, "label")
    },
  },
  {
    rule: null,
    name: "a revoked session keeps its external id, and a removed one frees it",
    async run({ open }) {
      const { log } = await open()
      const session = createNewSession({ createdAt: 1 })
      const { agent, tenant, userId } = session
      await log.openSession(session, "label")
      assert.equal(await log.revokeSession(session.id, 2), true)
      const reopened = await log.openSession(createNewSession({ agent, tenant, userId }), "label")
      assert.deepEqual(reopened, { sessionId: session.id, isNew: false })
      const { lease } = await log.putAndClaim(createMessage(session.id), [agent])
      assert.equal(lease, null)
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 10 })
      assert.equal(await log.session(session.id), null)
      const next = createNewSession({ agent, tenant, userId })
      assert.deepEqual(await log.openSession(next, "label"), { sessionId: next.id, isNew: true })
    },
  },
]

export const sharedExternalIdCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "of concurrent processes that open a session by one external id, one creates it, and all receive it",
    async run({ open }) {
      const logs = [(await open()).log, (await open()).log]
      for (let round = 0; round < 20; round += 1) {
        const { id: _, ...named } = createNewSession()
        const opened = await Promise.all(
          Array.from({ length: 8 }, (_, index) => {
            const log = logs[index % logs.length]
            assert.ok(log)
            return log.openSession({ ...named, id: randomIds.next("sess") }, `chat ${round}`)
          }),
        )
        assert.equal(new Set(opened.map(({ sessionId }) => sessionId)).size, 1)
        assert.equal(opened.filter(({ isNew }) => isNew).length, 1)
      }
    },
  },
  {
    rule: null,
    name: "an external id survives a crash right after it was given",
    async run({ open, crash }) {
      const first = await open()
      const session = createNewSession()
      await first.log.openSession(session, "label")
      await crash(first)
      const { log } = await open()
      const { agent, tenant, userId } = session
      const opened = await log.openSession(createNewSession({ agent, tenant, userId }), "label")
      assert.deepEqual(opened, { sessionId: session.id, isNew: false })
      requireAcceptedPut(await log.put(createMessage(session.id)))
    },
  },
]
