import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { Approvals } from "../../core/ports/store/approvals.ts"
import { commitOk, type SessionLogCase } from "../session-log/fixtures.ts"
import { createOrigin } from "../session-log/waits/tool-origin.ts"
import {
  createApproval,
  createEnding,
  createExpiring,
  createOpening,
  createToolResult,
  createWait,
  decider,
  putAnswer,
  readQualifier,
  startAskingSession,
} from "../session-log/waits/wait-fixtures.ts"

export const approvalsCases: readonly SessionLogCase[] = [
  {
    rule: 2,
    name: "a wait is found by its call as soon as it is committed, with its owner",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, waits } = await startAskingSession(log, [
        {
          qualifier: "q",
          reason: "why",
          input: { deep: [1.5, null, { a: true }] },
        },
      ])
      const [wait] = waits
      const expected = { ...wait, sessionId, tenant: "tenant", userId: "user", state: "open" }
      assert.deepEqual(await approvals.wait(sessionId, wait), expected)
      const elsewhere = await startAskingSession(log)
      assert.equal(await approvals.wait(elsewhere.sessionId, wait), null)
      for (const odd of ["call_nobody", "", "\u0000", "\ud800"]) {
        assert.equal(await approvals.wait(sessionId, { waitId: odd }), null)
        assert.equal(await approvals.wait(sessionId, { toolCallId: odd, kind: "approval" }), null)
        assert.equal(await approvals.wait(odd, wait), null)
      }
    },
  },
  {
    rule: null,
    name: "open waits that have not expired are listed oldest first, of one session or all, by kind, up to the limit",
    async run({ open }) {
      const { log, approvals } = await open()
      const first = await startAskingSession(log, [{ expiresAt: 10_000 }, { kind: "clientTool" }, {}])
      const second = await startAskingSession(log, [{ kind: "clientTool" }, {}])
      const [a, b, c] = first.waits
      const [d, e] = second.waits
      assert.ok(b && c && e)
      const mine = [a, b, c, d, e].map(({ toolCallId }) => toolCallId)
      const list = async (filter: Partial<Parameters<Approvals["openWaits"]>[0]>) => {
        const found = await approvals.openWaits({ now: 5_000, limit: 100_000, ...filter })
        return found.map(({ toolCallId }) => mine.indexOf(toolCallId)).filter((index) => index !== -1)
      }
      const { sessionId } = first
      assert.deepEqual(await list({}), [0, 1, 2, 3, 4])
      assert.deepEqual(await list({ kind: "clientTool" }), [1, 3])
      assert.deepEqual(await list({ sessionId }), [0, 1, 2])
      assert.deepEqual(await list({ sessionId, kind: "approval" }), [0, 2])
      assert.deepEqual(await list({ sessionId, limit: 2 }), [0, 1])
      assert.deepEqual(await list({ sessionId, now: 9_999 }), [0, 1, 2])
      assert.deepEqual(await list({ sessionId, now: 10_000 }), [1, 2])
      assert.equal((await approvals.openWaits({ now: 5_000, limit: 1 })).length, 1)
      const tenant = (await log.session(sessionId))?.tenant ?? ""
      assert.deepEqual(await list({ tenant, sessionId, kind: "approval" }), [0, 2])
      assert.deepEqual(await list({ tenant: "none" }), [])
      for (const odd of ["sess_nobody", "\u0000"]) assert.deepEqual(await list({ sessionId: odd }), [])
      assert.equal((await putAnswer(log, createApproval(sessionId, a))).status, "accepted")
      await commitOk(log, createExpiring(first, [b], 2))
      await commitOk(log, createEnding(second, 2))
      assert.deepEqual(await list({}), [2])
    },
  },
  {
    rule: null,
    name: "hundreds of waits, some of them large, are listed completely",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, runId } = session
      const more = Array.from({ length: 450 }, (_, n) =>
        createWait(runId, { input: { text: n % 100 === 0 ? "x".repeat(300_000) : `${n}` } }),
      )
      await commitOk(log, createOpening(session, more, 2))
      const expected = [...session.waits, ...more].map((wait) => {
        return { ...wait, sessionId, tenant: "tenant", userId: "user", state: "open" }
      })
      for (const limit of [1_000, 451, 400, 200, 1]) {
        const found = await approvals.openWaits({ sessionId, now: 5_000, limit })
        assert.deepEqual(found, expected.slice(0, limit))
      }
    },
  },
  {
    rule: null,
    name: "a grant is given with an approval, once for each tool type of a session",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, waits } = await startAskingSession(log, [
        { qualifier: null },
        { qualifier: "" },
        { qualifier: "null" },
        { toolName: "other" },
        {},
        {},
        {},
      ])
      const [unset, empty, named, other, again, denied, plain] = waits
      assert.ok(empty && named && other && again && denied && plain)
      const answers = [
        createApproval(sessionId, unset, { grant: true, at: 5_001 }),
        createApproval(sessionId, empty, { grant: true, at: 5_002 }),
        createApproval(sessionId, named, { grant: true, at: 5_003 }),
        createApproval(sessionId, other, { grant: true, at: 5_004 }),
        createApproval(sessionId, again, {
          grant: true,
          at: 5_005,
          decidedBy: { ...decider, userId: "second" },
        }),
      ]
      for (const answer of answers) assert.equal((await putAnswer(log, answer)).status, "accepted")
      const granted = (toolName: string, qualifier: string | null, at: number) => {
        return { sessionId, toolName, qualifier, origin: null, grantedBy: decider, at }
      }
      const expected = [
        granted("send_mail", null, 5_001),
        granted("send_mail", "", 5_002),
        granted("send_mail", "null", 5_003),
        granted("other", null, 5_004),
      ]
      assert.deepEqual(await approvals.grants(sessionId), expected)
      const without = [
        createApproval(sessionId, denied, { approved: false, grant: true }),
        createApproval(sessionId, plain, { grant: false }),
      ]
      for (const answer of without) assert.equal((await putAnswer(log, answer)).status, "accepted")
      assert.deepEqual(await approvals.grants(sessionId), expected)
      const elsewhere = await startAskingSession(log)
      for (const id of [elsewhere.sessionId, "sess_nobody", "\u0000"]) {
        assert.deepEqual(await approvals.grants(id), [])
      }
    },
  },
  {
    rule: null,
    name: "a revoked grant ends at once, may be granted again, and does not affect other grants",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, waits } = await startAskingSession(log, [
        { qualifier: "a" },
        { qualifier: "b" },
        { qualifier: "a" },
      ])
      const [first, second, third] = waits
      assert.ok(second && third)
      for (const wait of [first, second]) {
        assert.equal(
          (await putAnswer(log, createApproval(sessionId, wait, { grant: true }))).status,
          "accepted",
        )
      }
      const revocation = { sessionId, toolName: "send_mail", qualifier: "a", revokedBy: decider, at: 6_000 }
      const others = [
        { ...revocation, qualifier: null },
        { ...revocation, toolName: "other" },
        { ...revocation, sessionId: "sess_nobody" },
        { ...revocation, sessionId: "\u0000" },
      ]
      for (const other of others) assert.equal(await approvals.revokeGrant(other), false)
      const qualifiers = async () => (await approvals.grants(sessionId)).map(({ qualifier }) => qualifier)
      assert.deepEqual(await qualifiers(), ["a", "b"])
      const outcomes = await Promise.all([
        approvals.revokeGrant(revocation),
        approvals.revokeGrant(revocation),
      ])
      assert.deepEqual(outcomes.toSorted(), [false, true])
      assert.deepEqual(await qualifiers(), ["b"])
      const [record] = await approvals.audit({ sessionId, limit: 1 })
      const nothing = { runId: null, toolCallId: null, editedInput: null, reason: null }
      const type = { toolName: "send_mail", qualifier: "a", origin: null }
      const expected = { at: 6_000, sessionId, ...type, action: "revoked", decidedBy: decider, ...nothing }
      assert.deepEqual(record, expected)
      assert.equal(
        (await putAnswer(log, createApproval(sessionId, third, { grant: true }))).status,
        "accepted",
      )
      assert.deepEqual(await qualifiers(), ["b", "a"])
    },
  },
  {
    rule: null,
    name: "a grant covers the tool of one server, and a revocation covers all tools of its name",
    async run({ open }) {
      const { log, approvals } = await open()
      const moved = createOrigin("a", { identity: "elsewhere" })
      const changed = createOrigin("a", { digest: "changed" })
      const origins = [null, createOrigin("a"), createOrigin("b"), moved, changed, createOrigin("a")]
      const [first, ...more] = origins.map((origin) => ({ origin }))
      assert.ok(first)
      const { sessionId, waits } = await startAskingSession(log, [first, ...more])
      for (const wait of waits) {
        assert.deepEqual((await approvals.wait(sessionId, wait))?.origin, wait.origin)
        assert.equal(
          (await putAnswer(log, createApproval(sessionId, wait, { grant: true }))).status,
          "accepted",
        )
      }
      const granted = (await approvals.grants(sessionId)).map(({ origin }) => origin)
      assert.deepEqual(granted, origins.slice(0, 5))
      const revocation = { sessionId, toolName: "send_mail", qualifier: null, revokedBy: decider, at: 6_000 }
      assert.equal(await approvals.revokeGrant(revocation), true)
      assert.deepEqual(await approvals.grants(sessionId), [])
      const revoked = (await approvals.audit({ sessionId, limit: 5 })).map(({ action, origin }) => ({
        action,
        origin,
      }))
      const expected = origins.slice(0, 5).map((origin) => ({ action: "revoked", origin }))
      assert.deepEqual(revoked, expected.toReversed())
    },
  },
  {
    rule: null,
    name: "the audit trail records who decided what, when and from where, newest first",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, runId, waits } = await startAskingSession(log, [
        { qualifier: "q" },
        {},
        { kind: "clientTool", toolName: "locate" },
      ])
      const [first, second, third] = waits
      assert.ok(second && third)
      const editedInput = { to: "nobody" }
      const cli = { via: "cli", tenant: null, userId: "root", address: null } as const
      const answers = [
        createApproval(sessionId, first, { at: 5_001, editedInput, reason: "edited", grant: true }),
        createApproval(sessionId, second, { at: 5_002, approved: false, reason: "no", decidedBy: cli }),
        createToolResult(sessionId, third, { at: 5_003 }),
      ]
      for (const answer of answers) assert.equal((await putAnswer(log, answer)).status, "accepted")
      const of = (wait: typeof first) => {
        const { toolCallId, toolName, origin } = wait
        const qualifier = readQualifier(wait)
        const nothing = { editedInput: null, reason: null }
        return { sessionId, runId, toolCallId, toolName, qualifier, origin, decidedBy: decider, ...nothing }
      }
      const expected = [
        { ...of(third), at: 5_003, action: "result" },
        { ...of(second), at: 5_002, action: "denied", reason: "no", decidedBy: cli },
        { ...of(first), at: 5_001, action: "granted" },
        { ...of(first), at: 5_001, action: "approved", editedInput, reason: "edited" },
      ]
      assert.deepEqual(await approvals.audit({ sessionId, limit: 10 }), expected)
      assert.deepEqual(await approvals.audit({ sessionId, limit: 2 }), expected.slice(0, 2))
      const other = await startAskingSession(log)
      assert.equal((await putAnswer(log, createApproval(other.sessionId, other.waits[0]))).status, "accepted")
      const all = await approvals.audit({ limit: 5 })
      assert.deepEqual(all.slice(1), expected)
      assert.equal(all[0]?.sessionId, other.sessionId)
      const tenant = (await log.session(sessionId))?.tenant ?? ""
      assert.deepEqual(await approvals.audit({ sessionId, tenant, limit: 10 }), expected)
      assert.deepEqual(await approvals.audit({ tenant: "none", limit: 10 }), [])
      for (const odd of ["sess_nobody", "\u0000"]) {
        assert.deepEqual(await approvals.audit({ sessionId: odd, limit: 10 }), [])
      }
    },
  },
  {
    rule: null,
    name: "waits, grants and the audit trail are removed with their session, and only then",
    async run({ open }) {
      const { log, approvals } = await open()
      const [removed, kept] = [await startAskingSession(log, [{}, {}]), await startAskingSession(log)]
      for (const { sessionId, waits } of [removed, kept]) {
        assert.equal(
          (await putAnswer(log, createApproval(sessionId, waits[0], { grant: true }))).status,
          "accepted",
        )
      }
      await commitOk(log, createEnding(removed, 2, 6_000))
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 6_001 })
      const left = async ({ sessionId, waits }: typeof kept) => [
        await approvals.wait(sessionId, waits[0]),
        ...(await approvals.grants(sessionId)),
        ...(await approvals.audit({ sessionId, limit: 10 })),
      ]
      assert.deepEqual(await left(removed), [null])
      assert.equal((await left(kept)).length, 4)
      assert.deepEqual(await putAnswer(log, createApproval(removed.sessionId, removed.waits[0])), {
        status: "unknown",
      })
      // A session of the same name would start with nothing.
      const { sessionId: id } = removed
      await log.createSession({
        id,
        tenant: "t",
        userId: "u",
        agent: randomIds.next("key"),
        createdAt: 9_000,
      })
      assert.deepEqual(await left(removed), [null])
    },
  },
]
