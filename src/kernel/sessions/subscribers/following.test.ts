import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import type { EventEntry } from "../../../core/log/entries.ts"
import type {
  EventPage,
  Gap,
  Subscriber,
  SubscriberContext,
} from "../../../core/ports/store/subscriptions.ts"
import {
  commitOk,
  createAgentName,
  createEvent,
  runFailed,
  startSession,
  stepStarted,
  toSeq,
} from "../../../testing/session-log/fixtures.ts"
import { openStoreWithClock, type StoreWithClock } from "../fixtures/outbox.ts"
import { patience } from "../fixtures/test-gateway.ts"
import { ReadQueue } from "../reading/read-queue.ts"
import { Following } from "./following.ts"

let opened: StoreWithClock
let agent: string
const stops: ((ms?: number) => Promise<void>)[] = []

beforeEach(async () => {
  opened = await openStoreWithClock()
  agent = createAgentName()
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await opened.store.close()
})

const soon = (look: () => void | Promise<void>) => vi.waitFor(look, patience)

async function follow(...subscribers: readonly Subscriber[]) {
  const { store, logger } = opened
  const reads = new ReadQueue(store.log)
  const following = new Following({
    subscriptions: store.subscriptions,
    reads,
    subscribers,
    agents: [agent],
    logger,
  })
  await following.start()
  const stop = (ms = 0) => following.stop(AbortSignal.timeout(ms))
  stops.push(stop)
  return stop
}

type Act = (page: EventPage, context: SubscriberContext) => void | Promise<void>

/** Returns a subscriber that calls `act` and then records the event. */
function keeping(name: string, act: Act = () => {}) {
  const received: { readonly sessionId: string; readonly entry: EventEntry }[] = []
  const gaps: Gap[] = []
  const subscriber: Subscriber = {
    name,
    timeoutMs: 60_000,
    async onEvents(page, context) {
      await act(page, context)
      received.push(...page.entries.map((entry) => ({ sessionId: page.sessionId, entry })))
    },
    onGap: (gap) => void gaps.push(gap),
  }
  const seqs = (sessionId: string) =>
    received.filter((each) => each.sessionId === sessionId).map(({ entry }) => entry.seq % 1_000_000_000)
  return { subscriber, received, gaps, seqs }
}

async function session() {
  const { log } = opened.store
  const { sessionId, lease, runId } = await startSession(log, { agent })
  let n = 0
  const next = () => {
    n += 1
    return toSeq(lease, n)
  }
  return {
    id: sessionId,
    write: (count = 1) =>
      commitOk(log, {
        lease,
        entries: Array.from({ length: count }, () => createEvent(next(), runId, stepStarted)),
      }),
    end: () =>
      commitOk(log, {
        lease,
        entries: [createEvent(next(), runId, runFailed)],
        runEnded: { runId, state: "failed" },
      }),
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

describe("subscribers", () => {
  test("receive every event of new sessions once and in order if nothing fails", async () => {
    const { subscriber, seqs } = keeping("a")
    await follow(subscriber)
    const [first, second] = [await session(), await session()]
    for (let n = 0; n < 5; n += 1) {
      await first.write()
      await second.write(2)
    }
    await soon(() => expect([seqs(first.id), seqs(second.id)]).toEqual([range(1, 5), range(1, 10)]))
  })

  test("receive the later events of a session that existed before", async () => {
    const old = await session()
    await old.write(3)
    const { subscriber, seqs } = keeping("a")
    await follow(subscriber)
    await old.write(2)
    await soon(() => expect(seqs(old.id)).toEqual([4, 5]))
  })

  test("continue after a restart, even if they were in the middle of a page", async () => {
    const { subscriber, seqs } = keeping("a", ({ entries }, { handled }) => {
      handled(entries[0].seq)
      throw new Error("no")
    })
    const stop = await follow(subscriber)
    const { id, write } = await session()
    await write(3)
    await soon(() => expect(opened.lines).toHaveLength(1))
    await stop()
    opened.advance(600_000)
    const later = keeping("a")
    await follow(later.subscriber)
    await soon(() => expect(later.seqs(id)).toEqual([2, 3]))
    expect(seqs(id)).toEqual([])
  })

  test("receive a failed page again after a delay, which delays no other session or subscriber", async () => {
    let fails = true
    const failing = keeping("failing", ({ sessionId }) => {
      if (fails && sessionId === bad.id) throw new Error("token=abcdef is wrong")
    })
    const healthy = keeping("healthy")
    await follow(failing.subscriber, healthy.subscriber)
    const [bad, good] = [await session(), await session()]
    await bad.write(2)
    await good.write(2)
    await soon(() =>
      expect([failing.seqs(good.id), healthy.seqs(bad.id)]).toEqual([
        [1, 2],
        [1, 2],
      ]),
    )
    await soon(() =>
      expect(opened.lines[0]?.fields).toMatchObject({ subscriber: "failing", sessionId: bad.id }),
    )
    expect(failing.seqs(bad.id)).toEqual([])
    fails = false
    await bad.write()
    await soon(() => {
      opened.advance(1_000)
      expect(failing.seqs(bad.id)).toEqual([1, 2, 3])
    })
  })

  test("that hang are given up after their time limit, and delay no other session or subscriber", async () => {
    const hanging = keeping("hanging", ({ sessionId }) =>
      sessionId === stuck.id ? new Promise(() => {}) : undefined,
    )
    const healthy = keeping("healthy")
    await follow({ ...hanging.subscriber, timeoutMs: 50 }, healthy.subscriber)
    const [stuck, good] = [await session(), await session()]
    await stuck.write()
    await good.write()
    await soon(() => expect([hanging.seqs(good.id), healthy.seqs(stuck.id)]).toEqual([[1], [1]]))
    await soon(() => expect(String(opened.lines[0]?.fields.error)).toContain("did not return within 50 ms"))
  })

  test("receive at most eight sessions at once, and all others after them", async () => {
    const release = Promise.withResolvers<void>()
    let active = 0
    let most = 0
    const { subscriber, received } = keeping("a", async () => {
      active += 1
      most = Math.max(most, active)
      await release.promise
      active -= 1
    })
    await follow({ ...subscriber, timeoutMs: 60_000 })
    for (let n = 0; n < 20; n += 1) await (await session()).write()
    await soon(() => expect(active).toBe(8))
    release.resolve()
    await soon(() => expect(received).toHaveLength(20))
    expect(most).toBe(8)
  })

  test("that are 30 000 events behind catch up page by page", async () => {
    const { subscriber, seqs } = keeping("a")
    await opened.store.subscriptions.register([{ subscriber: "a", agent }])
    const { id, write } = await session()
    for (let n = 0; n < 30; n += 1) await write(1_000)
    const advance = vi.spyOn(opened.store.subscriptions, "advance")
    await follow(subscriber)
    await vi.waitFor(() => expect(seqs(id)).toEqual(range(1, 30_000)), { interval: 100 })
    expect(advance.mock.calls.length).toBeLessThan(400)
  })

  test("learn of a session that was removed before they had received all of it", async () => {
    await opened.store.subscriptions.register([{ subscriber: "a", agent }])
    const { id, write, end } = await session()
    await write()
    await end()
    opened.advance(1)
    const limits = { deltasSettledBefore: 0, sessionsUsedBefore: Number.MAX_SAFE_INTEGER }
    await opened.store.log.prune({ ...limits, subscribersBehindBefore: Number.MAX_SAFE_INTEGER })
    const { subscriber, gaps } = keeping("a")
    await follow(subscriber)
    await soon(() => expect(gaps).toEqual([{ sessionId: id, afterSeq: 1_000_000_000 }]))
    const claim = { subscriber: "a", agents: [agent], limit: 1, leaseMs: 1 }
    await soon(async () => {
      opened.advance(60_000)
      expect(await opened.store.subscriptions.claim(claim)).toEqual([])
    })
    expect(gaps).toHaveLength(1)
  })

  test("of a stopping process receive the due events, and slow ones are left for the next process", async () => {
    const { subscriber, seqs } = keeping("a")
    const stop = await follow(subscriber)
    const { id, write } = await session()
    await write(3)
    await stop(5_000)
    expect(seqs(id)).toEqual([1, 2, 3])
    const hanging = keeping("a", () => new Promise(() => {}))
    const stopHanging = await follow({ ...hanging.subscriber, timeoutMs: 60_000 })
    await write()
    await stopHanging(100)
    const [cursor] = await opened.store.subscriptions.claim({
      subscriber: "a",
      agents: [agent],
      limit: 1,
      leaseMs: 1,
    })
    expect(cursor).toMatchObject({ attempt: 1 })
  })

  test("cost an idle process one statement a second", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    try {
      const nextDue = vi.spyOn(opened.store.subscriptions, "nextDue")
      const claim = vi.spyOn(opened.store.subscriptions, "claim")
      const stop = await follow(keeping("a").subscriber, keeping("b").subscriber)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(nextDue.mock.calls.length).toBeGreaterThan(50)
      expect(nextDue.mock.calls.length).toBeLessThan(65)
      expect(claim).not.toHaveBeenCalled()
      const stopping = stop()
      await vi.advanceTimersByTimeAsync(5_000)
      await stopping
    } finally {
      vi.useRealTimers()
    }
  })
})
