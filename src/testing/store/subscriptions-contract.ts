import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { Lease, SessionLog } from "../../core/ports/store/session-log.ts"
import type { Cursor, Subscriptions } from "../../core/ports/store/subscriptions.ts"
import {
  commitOk,
  createAgentName,
  createEvent,
  createTextDelta,
  readNext,
  runFailed,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
  waitFor,
} from "../session-log/fixtures.ts"

interface Following {
  readonly agent: string
  readonly name: string
  claim(options?: { readonly limit?: number; readonly leaseMs?: number }): Promise<readonly Cursor[]>
}

/** Registers a subscriber of a new agent. */
async function following(
  subscriptions: Subscriptions,
  options: { readonly agent?: string } = {},
): Promise<Following> {
  const { agent = createAgentName() } = options
  const name = `subscriber_${randomIds.next("key")}`
  await subscriptions.register([{ subscriber: name, agent }])
  return {
    agent,
    name,
    claim: ({ limit = 100, leaseMs = 60_000 } = {}) =>
      subscriptions.claim({ subscriber: name, agents: [agent], limit, leaseMs }),
  }
}

interface Written {
  readonly lease: Lease
  readonly runId: string
}

async function writeEvent(log: SessionLog, { lease, runId }: Written, n: number): Promise<void> {
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, n), runId, stepStarted)] })
}

export const subscriptionCases: readonly SessionLogCase[] = [
  {
    rule: 19,
    name: "a cursor starts before the first event of a new session, and at the end of an existing one",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const agent = createAgentName()
      const old = await startSession(log, { agent })
      await writeEvent(log, old, 1)
      const { claim } = await following(subscriptions, { agent })
      assert.deepEqual(await claim(), [])
      await writeEvent(log, old, 2)
      const fresh = await startSession(log, { agent })
      await writeEvent(log, fresh, 1)
      const cursors = await claim()
      assert.deepEqual(
        new Map(cursors.map(({ sessionId, seq }) => [sessionId, seq])),
        new Map([
          [old.sessionId, toSeq(old.lease, 1)],
          [fresh.sessionId, toSeq(fresh.lease, 0)],
        ]),
      )
      assert.ok(cursors.every(({ attempt, isGone }) => attempt === 1 && !isGone))
      assert.deepEqual(await claim(), [])
    },
  },
  {
    rule: 19,
    name: "events make a cursor due; deltas and other agents' sessions do not",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const { agent, name, claim } = await following(subscriptions)
      const session = await startSession(log, { agent })
      const { lease, runId } = session
      await commitOk(log, { lease, entries: [createTextDelta(toSeq(lease, 1), runId, "a")] })
      await writeEvent(log, await startSession(log), 1)
      assert.deepEqual(await claim(), [])
      const wanted = [{ subscriber: name, agent }]
      assert.equal((await subscriptions.nextDue(wanted)).size, 0)
      await writeEvent(log, session, 2)
      assert.ok(((await subscriptions.nextDue(wanted)).get(name) ?? 1) <= 0)
      assert.equal((await claim()).length, 1)
      assert.ok(((await subscriptions.nextDue(wanted)).get(name) ?? 0) > 50_000)
    },
  },
  {
    rule: 19,
    name: "a finished cursor is due again at the next event, and at once if one arrived while it was claimed",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const { agent, claim } = await following(subscriptions)
      const session = await startSession(log, { agent })
      await writeEvent(log, session, 1)
      const [first] = await claim()
      assert.ok(first)
      assert.equal(await subscriptions.finish(first, toSeq(session.lease, 1)), true)
      assert.deepEqual(await claim(), [])
      await writeEvent(log, session, 2)
      const [second] = await claim()
      assert.equal(second?.seq, toSeq(session.lease, 1))
      await writeEvent(log, session, 3)
      assert.deepEqual(await claim(), [])
      assert.equal(await subscriptions.finish(second, toSeq(session.lease, 2)), true)
      const [third] = await claim()
      assert.deepEqual([third?.seq, third?.attempt], [toSeq(session.lease, 2), 1])
    },
  },
  {
    rule: 19,
    name: "a cursor is moved page by page under one claim, and the next claim starts there",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const { agent, claim } = await following(subscriptions)
      const session = await startSession(log, { agent })
      await writeEvent(log, session, 1)
      const [cursor] = await claim()
      assert.ok(cursor)
      assert.equal(await subscriptions.advance(cursor, 7, { leaseMs: 1 }), true)
      const again = await waitFor("the end of the claim", async () => (await claim())[0] ?? null)
      assert.deepEqual([again.seq, again.attempt], [7, 2])
      assert.equal(await subscriptions.advance(cursor, 9, { leaseMs: 1 }), false)
      assert.equal(await subscriptions.finish(cursor, 9), false)
      assert.equal(await subscriptions.fail(cursor, { seq: 9, error: "late", retryInMs: 0 }), false)
      assert.equal(await subscriptions.release(cursor, 9), false)
      assert.equal(await subscriptions.finish(again, 8), true)
    },
  },
  {
    rule: 19,
    name: "a failed cursor is due after its delay, with its attempts counted since the last received event",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const { agent, claim } = await following(subscriptions)
      await writeEvent(log, await startSession(log, { agent }), 1)
      const next = async () => {
        const [cursor] = await claim()
        assert.ok(cursor)
        return cursor
      }
      const first = await next()
      await subscriptions.fail(first, { seq: first.seq, error: "no\u0000", retryInMs: 0 })
      const second = await next()
      assert.equal(second.attempt, 2)
      await subscriptions.fail(second, { seq: first.seq + 1, error: "no", retryInMs: 0 })
      const third = await next()
      assert.deepEqual([third.seq, third.attempt], [first.seq + 1, 2])
      await subscriptions.release(third, third.seq)
      const fourth = await next()
      assert.equal(fourth.attempt, 2)
      await subscriptions.fail(fourth, { seq: fourth.seq, error: "no", retryInMs: 3_600_000 })
      assert.deepEqual(await claim(), [])
    },
  },
  {
    rule: 19,
    name: "each subscriber has its own cursor in each session, and claims up to its limit",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const first = await following(subscriptions)
      const second = await following(subscriptions, { agent: first.agent })
      for (const _ of [1, 2, 3]) await writeEvent(log, await startSession(log, { agent: first.agent }), 1)
      assert.equal((await first.claim({ limit: 2 })).length, 2)
      assert.equal((await first.claim({ limit: 2 })).length, 1)
      assert.equal((await second.claim()).length, 3)
    },
  },
  {
    rule: 19,
    name: "a commit with events is announced at once",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const { agent } = await following(subscriptions)
      const stop = new AbortController()
      const arrivals = subscriptions.arrivals({ signal: stop.signal })[Symbol.asyncIterator]()
      const next = readNext(arrivals, "an arrival")
      await writeEvent(log, await startSession(log, { agent }), 1)
      assert.equal((await next).done, false)
      stop.abort()
      assert.equal((await readNext(arrivals, "the end")).done, true)
    },
  },
  {
    rule: 19,
    name: "a session waits a limited time for a subscriber that is behind, which then finds it removed",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const { agent, claim } = await following(subscriptions)
      const ended = async () => {
        const { sessionId, lease, runId } = await startSession(log, { agent })
        const entries = [createEvent(toSeq(lease, 1), runId, runFailed)]
        await commitOk(log, { lease, entries, runEnded: { runId, state: "failed" } })
        return { sessionId, seq: toSeq(lease, 1) }
      }
      const done = await ended()
      const [cursor] = await claim()
      assert.ok(cursor)
      await subscriptions.finish(cursor, done.seq)
      const late = await ended()
      const old = { deltasSettledBefore: 0, sessionsUsedBefore: 100_000 }
      await log.prune({ ...old, subscribersBehindBefore: 0 })
      assert.equal(await log.session(done.sessionId), null)
      assert.notEqual(await log.session(late.sessionId), null)
      await log.prune({ ...old, subscribersBehindBefore: Number.MAX_SAFE_INTEGER })
      assert.equal(await log.session(late.sessionId), null)
      const [gap, ...others] = await claim()
      assert.ok(gap)
      assert.deepEqual([gap.sessionId, gap.isGone, others], [late.sessionId, true, []])
      assert.equal(await subscriptions.remove(gap), true)
      assert.equal(await subscriptions.remove(gap), false)
    },
  },
  {
    rule: 19,
    name: "a subscription that was not registered for long is forgotten, and learns of that when it returns",
    async run({ open }) {
      const { log, subscriptions } = await open()
      const { agent, name, claim } = await following(subscriptions)
      const session = await startSession(log, { agent })
      await writeEvent(log, session, 1)
      const limits = { deltasSettledBefore: 0, sessionsUsedBefore: 0 }
      await log.prune({ ...limits, subscribersSeenBefore: 1 })
      assert.equal((await subscriptions.nextDue([{ subscriber: name, agent }])).size, 1)
      await log.prune({ ...limits, subscribersSeenBefore: Number.MAX_SAFE_INTEGER })
      await writeEvent(log, session, 2)
      assert.deepEqual(await claim(), [])
      const back = [{ subscriber: name, agent }]
      const [forgotten] = await subscriptions.register(back)
      assert.deepEqual([forgotten?.subscriber, forgotten?.agent], [name, agent])
      assert.ok((forgotten?.since ?? 0) > 0)
      assert.deepEqual(await subscriptions.register(back), [])
      await writeEvent(log, session, 3)
      assert.equal((await claim())[0]?.seq, toSeq(session.lease, 2))
    },
  },
]
