import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../../../core/errors.ts"
import type { Entry } from "../../../core/log/entries.ts"
import type { Observer } from "../../../core/ports/observer.ts"
import type { CommitOutcome, SessionBatch, SessionLog } from "../../../core/ports/store/session-log.ts"
import { createEvent, runStarted } from "../../../testing/session-log/fixtures.ts"
import { silentLogger } from "../fixtures/test-gateway.ts"
import { type Committable, Committer } from "./committer.ts"

function session(sessionId: string, entries: readonly Entry[] = []) {
  const batch: SessionBatch = {
    lease: { sessionId, epoch: 1, takeovers: 0, principal: { tenant: "tenant", userId: "user" } },
    entries,
  }
  const outcomes: CommitOutcome[] = []
  let pending = true
  const committable: Committable = {
    takeBatch: () => (pending ? batch : null),
    settle(outcome) {
      pending = false
      outcomes.push(outcome)
    },
    delayed: vi.fn(),
    rejected: vi.fn(() => {
      pending = false
    }),
  }
  return { committable, batch, outcomes }
}

function logOf(commit: SessionLog["commit"], observers: Partial<Observer> = {}) {
  const spy = vi.fn(commit)
  return { spy, committer: new Committer({ commit: spy } as unknown as SessionLog, silentLogger, observers) }
}

const allOk = async (batches: readonly SessionBatch[]) => batches.map(() => "ok" as const)

describe("the committer", () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it("stores the writes of several sessions in one turn as one group", async () => {
    const { spy, committer } = logOf(allOk)
    const [first, second] = [session("a"), session("b")]
    committer.commitSoon(first.committable)
    committer.commitSoon(second.committable)
    await vi.advanceTimersByTimeAsync(0)
    expect(spy).toHaveBeenCalledExactlyOnceWith([first.batch, second.batch])
    expect([first.outcomes, second.outcomes]).toEqual([["ok"], ["ok"]])
  })

  it("reports each transaction to observers, also one that the store refuses", async () => {
    const onCommit = vi.fn()
    let isDown = false
    const { committer } = logOf(
      async (batches) => {
        if (isDown) throw new Error("down")
        return allOk(batches)
      },
      { onCommit },
    )
    for (const name of ["a", "b"]) committer.commitSoon(session(name).committable)
    await vi.advanceTimersByTimeAsync(0)
    isDown = true
    committer.commitSoon(session("c").committable)
    await vi.advanceTimersByTimeAsync(0)
    const durationMs = expect.any(Number)
    expect(onCommit.mock.calls).toEqual([
      [{ sessions: 2, rows: expect.any(Number), durationMs, ok: true }],
      [{ sessions: 1, rows: expect.any(Number), durationMs, ok: false }],
    ])
  })

  it("stores a large batch separately, so that others do not wait for it", async () => {
    const stored = Promise.withResolvers<readonly ["ok"]>()
    const content = [{ type: "text", text: "x".repeat(1_000_000) }] as const
    const large = Array.from({ length: 6 }, (_, index) => {
      return session(`large ${index}`, [createEvent(1, "run_1", { ...runStarted, content })])
    })
    const { spy, committer } = logOf((batches) =>
      batches[0]?.entries.length ? stored.promise : allOk(batches),
    )
    const [first, second] = [session("a"), session("b")]
    for (const each of [first, ...large, second]) committer.commitSoon(each.committable)
    await vi.advanceTimersByTimeAsync(0)
    expect(spy.mock.calls).toEqual([...large.map(({ batch }) => [[batch]]), [[first.batch, second.batch]]])
    expect([first.outcomes, second.outcomes]).toEqual([["ok"], ["ok"]])
    const later = session("c")
    committer.commitSoon(later.committable)
    await vi.advanceTimersByTimeAsync(0)
    expect(later.outcomes).toEqual(["ok"])
    const flushed = committer.flush()
    stored.resolve(["ok"])
    await flushed
    expect(large.map(({ outcomes }) => outcomes)).toEqual(Array(6).fill(["ok"]))
  })

  it("lets deltas wait 50 ms", async () => {
    const { spy, committer } = logOf(allOk)
    committer.commitLater(session("a").committable)
    await vi.advanceTimersByTimeAsync(49)
    expect(spy).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(spy).toHaveBeenCalledOnce()
  })

  it("stores deltas together with an event of their session, and with no other", async () => {
    const { spy, committer } = logOf(allOk)
    const [first, second] = [session("a"), session("b")]
    committer.commitLater(first.committable)
    committer.commitLater(second.committable)
    committer.commitSoon(first.committable)
    await vi.advanceTimersByTimeAsync(0)
    expect(spy).toHaveBeenCalledExactlyOnceWith([first.batch])
    await vi.advanceTimersByTimeAsync(50)
    expect(spy.mock.calls.slice(1)).toEqual([[[second.batch]]])
  })

  it("does not delay deltas further when events keep arriving", async () => {
    const { committer } = logOf(allOk)
    const patient = session("patient")
    committer.commitLater(patient.committable)
    for (let turn = 0; turn < 60; turn++) {
      committer.commitSoon(session(String(turn)).committable)
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(patient.outcomes).toEqual(["ok"])
  })

  it("stores session by session when a group fails, so that one does not block the others", async () => {
    const { committer } = logOf(async (batches) => {
      if (batches.some(({ lease }) => lease.sessionId === "bad")) throw new StoreUnavailableError()
      return allOk(batches)
    })
    const [good, bad] = [session("good"), session("bad")]
    committer.commitSoon(good.committable)
    committer.commitSoon(bad.committable)
    await vi.advanceTimersByTimeAsync(0)
    expect(good.outcomes).toEqual(["ok"])
    expect(bad.outcomes).toEqual([])
    expect(bad.committable.delayed).toHaveBeenCalled()
  })

  it("does not retry a batch that the store will never accept, and stores the others", async () => {
    const { spy, committer } = logOf(async (batches) => {
      if (batches.some(({ lease }) => lease.sessionId === "bad")) throw new TypeError("not JSON")
      return allOk(batches)
    })
    const [good, bad] = [session("good"), session("bad")]
    committer.commitSoon(good.committable)
    committer.commitSoon(bad.committable)
    await vi.advanceTimersByTimeAsync(0)
    expect(good.outcomes).toEqual(["ok"])
    expect(bad.committable.rejected).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ message: "not JSON" }),
    )
    await vi.advanceTimersByTimeAsync(10_000)
    expect(spy).toHaveBeenCalledTimes(3)
  })

  it("retries nothing once it is closed", async () => {
    const { spy, committer } = logOf(() => Promise.reject(new StoreUnavailableError()))
    committer.commitSoon(session("a").committable)
    await committer.close()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(spy).toHaveBeenCalledOnce()
  })

  it("retries, less and less often, until the store is available", async () => {
    let down = true
    const { spy, committer } = logOf(async (batches) => {
      if (down) throw new StoreUnavailableError()
      return allOk(batches)
    })
    const only = session("a")
    committer.commitSoon(only.committable)
    await vi.advanceTimersByTimeAsync(10_000)
    const tries = spy.mock.calls.length
    expect(tries).toBeGreaterThan(5)
    expect(tries).toBeLessThan(20)
    down = false
    await vi.advanceTimersByTimeAsync(1_000)
    expect(only.outcomes).toEqual(["ok"])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(spy.mock.calls.length).toBe(tries + 1)
  })

  it("continues with other sessions while a group is in flight, and keeps each session in one group", async () => {
    const first = Promise.withResolvers<void>()
    const { spy, committer } = logOf(async (batches) => {
      if (spy.mock.calls.length === 1) await first.promise
      return allOk(batches)
    })
    const [slow, other] = [session("a"), session("b")]
    committer.commitSoon(slow.committable)
    await vi.advanceTimersByTimeAsync(0)
    committer.commitSoon(slow.committable)
    committer.commitSoon(other.committable)
    await vi.advanceTimersByTimeAsync(100)
    expect(spy.mock.calls).toEqual([[[slow.batch]], [[other.batch]]])
    expect(other.outcomes).toEqual(["ok"])
    first.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(slow.outcomes).toEqual(["ok"])
  })

  it("has at most four groups in flight, of at most 200 sessions", async () => {
    const sizes: number[] = []
    const { spy, committer } = logOf((batches) => {
      sizes.push(batches.length)
      return new Promise(() => {})
    })
    for (let index = 0; index < 1_000; index++) committer.commitSoon(session(String(index)).committable)
    await vi.advanceTimersByTimeAsync(100)
    expect(sizes).toEqual([200, 200, 200, 200])
    expect(spy).toHaveBeenCalledTimes(4)
  })

  it("retries a session with a locked row separately, less and less often, until it is free", async () => {
    let locked = true
    const { spy, committer } = logOf(async (batches) =>
      batches.map(({ lease }) => (lease.sessionId === "locked" && locked ? "busy" : "ok")),
    )
    const [busy, free] = [session("locked"), session("free")]
    committer.commitSoon(busy.committable)
    committer.commitSoon(free.committable)
    await vi.advanceTimersByTimeAsync(0)
    expect([busy.outcomes, free.outcomes]).toEqual([[], ["ok"]])
    // Another write of the session does not commit the batch twice.
    committer.commitSoon(busy.committable)
    await vi.advanceTimersByTimeAsync(2_000)
    const tries = spy.mock.calls.slice(1)
    expect(tries.length).toBeGreaterThan(3)
    expect(tries.length).toBeLessThan(12)
    for (const [batches] of tries) expect(batches).toEqual([busy.batch])
    expect(busy.committable.delayed).toHaveBeenCalled()
    locked = false
    await vi.advanceTimersByTimeAsync(1_000)
    expect(busy.outcomes).toEqual(["ok"])
  })

  it("flushes on demand", async () => {
    const { spy, committer } = logOf(allOk)
    committer.commitLater(session("a").committable)
    await committer.flush()
    expect(spy).toHaveBeenCalledOnce()
  })
})
