import assert from "node:assert/strict"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import {
  cancel,
  claimSession,
  commitOk,
  requireAcceptedPut,
  type SessionLogCase,
  startSession,
} from "../session-log/fixtures.ts"
import {
  createApproval,
  createEnding,
  createOpening,
  createWait,
  decider,
  putAnswer,
} from "../session-log/waits/wait-fixtures.ts"
import { deliver, openChild, parentOf } from "./tree-fixtures.ts"

async function kindsIn(log: SessionLog, sessionId: string): Promise<readonly string[]> {
  const lease = await claimSession(log, sessionId)
  return (await log.pending(lease)).map(({ type }) => type)
}

export const treeCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a grant of the tree applies in each of its sessions, including later ones, and is revoked for all of them",
    async run({ open }) {
      const store = await open()
      const { log, approvals } = store
      const root = await parentOf(log)
      await deliver(store, root)
      const asking = await openChild(log, root)
      const grandchild = await parentOf(log, asking)
      const stranger = await startSession(log)
      const grant = async (n: number, scope?: "tree") => {
        const wait = createWait(asking.runId, { rootSessionId: root.sessionId })
        await commitOk(log, createOpening(asking, [wait], n))
        const given = { grant: true, ...(scope && { scope }) }
        assert.equal((await putAnswer(log, createApproval(asking.sessionId, wait, given))).status, "accepted")
      }
      const scopesIn = async (sessionId: string) =>
        (await approvals.grants(sessionId)).map(({ scope = "session" }) => scope)
      await grant(2)
      assert.deepEqual(await scopesIn(asking.sessionId), ["session"])
      assert.deepEqual(await scopesIn(root.sessionId), [])
      await grant(3, "tree")
      await grant(4, "tree")
      await deliver(store, grandchild)
      const laterId = grandchild.start.command.sessionId
      assert.deepEqual(await scopesIn(root.sessionId), ["tree"])
      assert.deepEqual(await scopesIn(asking.sessionId), ["session", "tree"])
      assert.deepEqual(await scopesIn(laterId), ["tree"])
      assert.deepEqual(await scopesIn(stranger.sessionId), [])
      const [granted] = await approvals.audit({ sessionId: asking.sessionId, limit: 1 })
      assert.deepEqual([granted?.action, granted?.scope], ["granted", "tree"])
      const revocation = { toolName: "send_mail", qualifier: null, revokedBy: decider, at: 6_000 }
      const revoke = (sessionId: string) => approvals.revokeGrant({ ...revocation, sessionId })
      const outcomes = await Promise.all([root.sessionId, laterId].map(revoke))
      assert.deepEqual(outcomes.toSorted(), [false, true])
      assert.deepEqual(await scopesIn(laterId), [])
      assert.deepEqual(await scopesIn(asking.sessionId), ["session"])
      const [revoked] = await approvals.audit({ sessionId: root.sessionId, limit: 1 })
      assert.deepEqual([revoked?.action, revoked?.scope], ["revoked", "tree"])
    },
  },
  {
    rule: null,
    name: "a child starts once, with the owner and the root of its parent, one level deeper",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const parent = await parentOf(log)
      assert.deepEqual(await deliver(store, parent), { type: "delivered" })
      assert.equal(await deliver(store, parent), undefined)
      const { sessionId, runId } = parent.start.command
      const child = await log.session(sessionId)
      assert.deepEqual(child?.parent, parent.start.child.parent)
      assert.deepEqual([child?.rootId, child?.depth], [parent.sessionId, 1])
      assert.deepEqual([child?.tenant, child?.userId], ["tenant", "user"])
      assert.equal((await log.run(sessionId, runId))?.state === "failed", false)
      const grandchild = await parentOf(log, await openChild(log, parent))
      await deliver(store, grandchild)
      const deeper = await log.session(grandchild.start.command.sessionId)
      assert.deepEqual([deeper?.rootId, deeper?.depth], [parent.sessionId, 2])
    },
  },
  {
    rule: 12,
    name: "a child does not start once the run that needs it is canceled, has ended, or is revoked",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const dropped = { type: "dropped", reason: "parent_ended" }
      const canceled = await parentOf(log)
      requireAcceptedPut(await log.put(cancel(canceled.sessionId, canceled.runId)))
      assert.deepEqual(await deliver(store, canceled), dropped)
      const revoked = await parentOf(log)
      await log.revokeSession(revoked.sessionId, 9_000)
      assert.deepEqual(await deliver(store, revoked), dropped)
      const running = await startSession(log)
      const ended = await parentOf(log, running)
      await commitOk(log, createEnding(running, 2))
      assert.deepEqual(await deliver(store, ended), dropped)
      for (const { start: refused } of [canceled, revoked, ended]) {
        assert.equal(await log.session(refused.command.sessionId), null)
      }
    },
  },
  {
    rule: 12,
    name: "a cancel reaches the runs below at every level, and no other run",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const parent = await parentOf(log)
      await deliver(store, parent)
      const child = await openChild(log, parent)
      const grandchild = await parentOf(log, child)
      await deliver(store, grandchild)
      const stranger = await parentOf(log)
      await deliver(store, stranger)
      requireAcceptedPut(await log.put(cancel(parent.sessionId, parent.runId)))
      const pending = await log.pending(child.lease)
      assert.deepEqual(
        pending.map(({ type }) => type),
        ["cancel"],
      )
      assert.deepEqual(await log.queuedRuns(grandchild.start.command.sessionId), [])
      const untouched = await kindsIn(log, stranger.start.command.sessionId)
      assert.deepEqual(untouched, ["message"])
    },
  },
  {
    rule: 12,
    name: "revoking a session refuses the tokens of all sessions below it and cancels their runs",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const parent = await parentOf(log)
      await deliver(store, parent)
      const child = await openChild(log, parent)
      await log.revokeSession(parent.sessionId, 9_000)
      assert.equal((await log.session(child.sessionId))?.revokedAt, 9_000)
      const pending = await log.pending(child.lease)
      assert.deepEqual(
        pending.map(({ type }) => type),
        ["cancel"],
      )
    },
  },
  {
    rule: null,
    name: "the root finds and answers the waits of its tree, and a session beside it does not",
    async run({ open }) {
      const store = await open()
      const { log, approvals } = store
      const parent = await parentOf(log)
      await deliver(store, parent)
      const child = await openChild(log, parent)
      const asked = createWait(child.runId, { rootSessionId: parent.sessionId })
      await commitOk(log, createOpening(child, [asked], 1))
      const listed = await approvals.openWaits({ sessionId: parent.sessionId, now: 5_000, limit: 10 })
      assert.deepEqual(
        listed.map(({ waitId, sessionId }) => [waitId, sessionId]),
        [
          [parent.wait.waitId, parent.sessionId],
          [asked.waitId, child.sessionId],
        ],
      )
      const key = { toolCallId: asked.toolCallId, kind: "approval" } as const
      assert.equal((await approvals.wait(parent.sessionId, key))?.sessionId, child.sessionId)
      const stranger = await startSession(log)
      assert.equal(await approvals.wait(stranger.sessionId, key), null)
      const ofChild = await approvals.openWaits({ sessionId: child.sessionId, now: 5_000, limit: 10 })
      assert.deepEqual(
        ofChild.map(({ waitId }) => waitId),
        [asked.waitId],
      )
      assert.deepEqual(await putAnswer(log, createApproval(parent.sessionId, asked)), { status: "unknown" })
      assert.deepEqual(await putAnswer(log, createApproval(child.sessionId, asked)), {
        status: "accepted",
        runId: child.runId,
      })
    },
  },
  {
    rule: null,
    name: "a tree is kept while one of its sessions was used recently, and is removed as a whole",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const running = await startSession(log)
      const parent = await parentOf(log, running)
      await deliver(store, parent)
      const child = await openChild(log, parent)
      await commitOk(log, createEnding(running, 2))
      const prune = (sessionsUsedBefore: number) => log.prune({ deltasSettledBefore: 0, sessionsUsedBefore })
      await prune(Number.MAX_SAFE_INTEGER)
      assert.notEqual(await log.session(parent.sessionId), null)
      await commitOk(log, createEnding(child, 1))
      await log.release(child.lease, { force: true })
      await log.release(running.lease, { force: true })
      await prune(1)
      assert.notEqual(await log.session(parent.sessionId), null)
      await prune(Number.MAX_SAFE_INTEGER)
      assert.equal(await log.session(parent.sessionId), null)
      assert.equal(await log.session(child.sessionId), null)
      assert.deepEqual(await log.read(child.sessionId, { afterSeq: 0, limit: 10 }), [])
    },
  },
]
