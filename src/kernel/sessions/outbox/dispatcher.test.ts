import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { UndeliverableError } from "../../../core/errors.ts"
import type { OutboxDelivery, OutboxHandler } from "../../../core/ports/store/outbox.ts"
import { createMessage, openSession } from "../../../testing/session-log/fixtures.ts"
import {
  createItemWriter,
  openStoreWithClock,
  type StoreWithClock,
  startDispatcher,
} from "../fixtures/outbox.ts"
import { patience } from "../fixtures/test-gateway.ts"

let opened: StoreWithClock
const stops: ((ms?: number) => Promise<void>)[] = []

beforeEach(async () => {
  opened = await openStoreWithClock()
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await opened.store.close()
})

function dispatch(handlers: Record<string, OutboxHandler>) {
  const dispatcher = startDispatcher(opened, handlers)
  stops.push(dispatcher.stop)
  return dispatcher
}

const rows = () => opened.store.outbox.rows({ limit: 20_000 })
const soon = (look: () => void | Promise<void>) => vi.waitFor(look, patience)
const item = (id: string, kind = "kind") => ({ id, kind, payload: { text: id } })

/** Returns a handler that records its deliveries and then calls `act`. */
function keeping(act: (delivery: OutboxDelivery, signal: AbortSignal) => void | Promise<void> = () => {}) {
  const given: OutboxDelivery[] = []
  const handler: OutboxHandler = {
    timeoutMs: 60_000,
    deliver(delivery, { signal }) {
      given.push(delivery)
      return act(delivery, signal)
    },
  }
  return { given, handler, ids: () => given.map(({ id }) => id) }
}

describe("the dispatcher of the outbox", () => {
  test("delivers an item as soon as it is committed, and deletes its row", async () => {
    const { given, handler } = keeping()
    dispatch({ kind: handler })
    const write = await createItemWriter(opened.store)
    await write(item("a"), item("b"))
    await soon(async () => expect(await rows()).toEqual([]))
    expect(given.map(({ id, kind, payload, attempt }) => ({ id, kind, payload, attempt }))).toEqual([
      { ...item("a"), attempt: 1 },
      { ...item("b"), attempt: 1 },
    ])
  })

  test("reports delivered and dead items to observers, and no retry", async () => {
    const [onItemDelivered, onItemDead] = [vi.fn(), vi.fn()]
    const { handler } = keeping(({ id }) => {
      if (id === "dead") throw new UndeliverableError("The address is gone.")
    })
    const dispatcher = startDispatcher(opened, { kind: handler }, { onItemDelivered, onItemDead })
    stops.push(dispatcher.stop)
    const write = await createItemWriter(opened.store)
    await write(item("dead"), item("delivered"))
    await soon(() =>
      expect([onItemDelivered.mock.calls.length, onItemDead.mock.calls.length]).toEqual([1, 1]),
    )
    const facts = { kind: "kind", attempt: 1, sessionId: expect.any(String), durationMs: expect.any(Number) }
    expect(onItemDelivered).toHaveBeenCalledWith({ id: "delivered", ...facts })
    expect(onItemDead).toHaveBeenCalledWith({ id: "dead", ...facts, error: "The address is gone." })
  })

  test("delivers what was stored before it started", async () => {
    const write = await createItemWriter(opened.store)
    await write(item("a"))
    const { handler, ids } = keeping()
    dispatch({ kind: handler })
    await soon(() => expect(ids()).toEqual(["a"]))
  })

  test("repeats a failed delivery with the same id after a delay, and records the reason", async () => {
    const { handler, given } = keeping(({ attempt }) => {
      if (attempt < 3) throw new Error("password=hunter2 refused")
    })
    dispatch({ kind: handler })
    const write = await createItemWriter(opened.store)
    await write(item("a"))
    await soon(async () => expect((await rows())[0]?.lastError).toBe("password=[redacted] refused"))
    expect(given).toHaveLength(1)
    await soon(async () => {
      opened.advance(1_000)
      expect(await rows()).toEqual([])
    })
    expect(given.map(({ id, attempt }) => [id, attempt])).toEqual([
      ["a", 1],
      ["a", 2],
      ["a", 3],
    ])
  })

  test("counts an attempt as failed if the handler cannot read the trace of the item", async () => {
    const { handler, given } = keeping()
    const traceparentOf = () => {
      throw new Error("unreadable")
    }
    dispatch({ kind: { ...handler, traceparentOf } })
    const write = await createItemWriter(opened.store)
    await write(item("a"))
    await soon(async () => expect((await rows())[0]).toMatchObject({ attempts: 1, lastError: "unreadable" }))
    expect(given).toEqual([])
  })

  test("keeps a row as dead after its last attempt until an operator retries it", async () => {
    let works = false
    const { handler, given } = keeping(() => {
      if (!works) throw new Error("no")
    })
    const write = await createItemWriter(opened.store)
    await write(item("a"))
    for (let attempt = 1; attempt < 20; attempt += 1) {
      const [claimed] = await opened.store.outbox.claim({ kind: "kind", limit: 1, maxBytes: 1, leaseMs: 1 })
      if (claimed !== undefined) await opened.store.outbox.fail(claimed, { error: "no", retryInMs: 0 })
    }
    dispatch({ kind: handler })
    await soon(async () => expect((await rows())[0]).toMatchObject({ state: "dead", attempts: 20 }))
    expect(given).toHaveLength(1)
    expect(opened.lines.at(-1)?.message).toContain("outbox list")
    works = true
    expect(await opened.store.outbox.retry((await rows()).map(({ number }) => number))).toBe(1)
    await soon(async () => expect(await rows()).toEqual([]))
    expect(given.at(-1)?.attempt).toBe(1)
  })

  test("gives up an item that ended its process at each attempt, without another attempt", async () => {
    const write = await createItemWriter(opened.store)
    await write(item("a"))
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      await opened.store.outbox.claim({ kind: "kind", limit: 1, maxBytes: 1, leaseMs: 1 })
      opened.advance(2)
    }
    const { handler, given } = keeping()
    dispatch({ kind: handler })
    await soon(async () => expect((await rows())[0]?.state).toBe("dead"))
    expect(given).toEqual([])
  })

  test("bounds the time of a handler that ignores its signal", async () => {
    const { handler, given } = keeping(() => new Promise(() => {}))
    dispatch({ kind: { ...handler, timeoutMs: 10 } })
    const write = await createItemWriter(opened.store)
    await write(item("a"))
    await soon(async () => expect((await rows())[0]?.lastError).toContain("did not return within 10 ms"))
    expect(given).toHaveLength(1)
  })

  test("leaves the row to another process if a handler outlasts its claim", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow = keeping(() => promise)
    const fast = keeping()
    dispatch({ kind: { ...slow.handler, timeoutMs: 60_000 } })
    const write = await createItemWriter(opened.store)
    await write(item("a"))
    await soon(() => expect(slow.ids()).toEqual(["a"]))
    opened.advance(70_001)
    dispatch({ kind: fast.handler })
    // Either handler may claim it again. The slow one has room for more.
    await soon(() => expect(slow.given.length + fast.given.length).toBe(2))
    resolve()
    await soon(async () => expect(await rows()).toEqual([]))
    await soon(() =>
      expect(opened.lines.map((line) => line.message)).toContainEqual(
        expect.stringMatching("after its claim"),
      ),
    )
  })

  test("leaves a kind without a handler to other processes, and keeps it in the list", async () => {
    const { handler, ids } = keeping()
    dispatch({ other: handler })
    const write = await createItemWriter(opened.store)
    await write(item("a"), item("b", "other"))
    await soon(() => expect(ids()).toEqual(["b"]))
    await soon(async () => expect(await rows()).toMatchObject([{ id: "a", state: "waiting", attempts: 0 }]))
    const late = keeping()
    dispatch({ kind: late.handler })
    await soon(() => expect(late.ids()).toEqual(["a"]))
  })

  test("delivers at most eight items of a kind at once, and a hanging kind delays no other", async () => {
    const hanging = keeping(
      (_, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
    )
    const other = keeping()
    dispatch({ hanging: { ...hanging.handler, timeoutMs: 60_000 }, other: other.handler })
    const write = await createItemWriter(opened.store)
    await write(...Array.from({ length: 20 }, (_, n) => item(`hanging ${n}`, "hanging")))
    await soon(() => expect(hanging.given).toHaveLength(8))
    await write(item("b", "other"))
    await soon(() => expect(other.ids()).toEqual(["b"]))
    expect(hanging.given).toHaveLength(8)
  })

  test("delivers due items before a stop, and releases slow ones without counting the attempt", async () => {
    const { handler, ids } = keeping(({ id }) => (id === "slow" ? new Promise(() => {}) : undefined))
    const write = await createItemWriter(opened.store)
    await write(item("slow"), ...Array.from({ length: 30 }, (_, n) => item(`${n}`)))
    const { stop } = startDispatcher(opened, { kind: { ...handler, timeoutMs: 60_000 } })
    await stop(300)
    expect(new Set(ids()).size).toBe(31)
    expect(await rows()).toMatchObject([{ id: "slow", attempts: 0, state: "waiting" }])
  })

  test("moves commands to other sessions and reports the sessions", async () => {
    const { commands } = dispatch({})
    const write = await createItemWriter(opened.store)
    const target = await openSession(opened.store.log)
    await write({ id: "a", kind: "command", payload: { type: "put", command: createMessage(target) } })
    await soon(() => expect(commands).toEqual([target]))
    await write({ id: "b", kind: "command", payload: { type: "put", command: createMessage("sess_gone") } })
    await soon(() =>
      expect(opened.lines.at(-1)?.fields).toMatchObject({ item: "b", reason: "session_not_found" }),
    )
  })

  test("reads the store once a second while idle", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    try {
      const nextDue = vi.spyOn(opened.store.outbox, "nextDue")
      const claim = vi.spyOn(opened.store.outbox, "claim")
      const { stop } = startDispatcher(opened, { kind: keeping().handler })
      await vi.advanceTimersByTimeAsync(60_000)
      expect(nextDue.mock.calls.length).toBeGreaterThan(50)
      expect(nextDue.mock.calls.length).toBeLessThan(65)
      expect(claim).not.toHaveBeenCalled()
      const stopping = stop()
      await vi.advanceTimersByTimeAsync(1_000)
      await stopping
    } finally {
      vi.useRealTimers()
    }
  })

  test("is not slowed down by ten thousand dead rows, which are retried and dropped in slices", async () => {
    const write = await createItemWriter(opened.store)
    for (let n = 0; n < 10; n += 1) {
      await write(...Array.from({ length: 1_000 }, (_, m) => item(`${n}.${m}`, "dead")))
    }
    const { outbox } = opened.store
    for (;;) {
      const claimed = await outbox.claim({ kind: "dead", limit: 1_000, maxBytes: 1_000_000, leaseMs: 1_000 })
      if (claimed.length === 0) break
      await Promise.all(claimed.map((each) => outbox.fail(each, { error: "no", retryInMs: null })))
    }
    const { handler, ids } = keeping()
    dispatch({ kind: handler, dead: keeping().handler })
    await write(item("a"))
    await soon(() => expect(ids()).toEqual(["a"]))
    expect(await outbox.drop({ limit: 500 })).toBe(500)
    const some = await outbox.rows({ state: "dead", limit: 500 })
    expect(await outbox.retry(some.map(({ number }) => number))).toBe(500)
    await soon(async () => expect((await outbox.nextDue(["dead"])).size).toBe(0))
    expect(await outbox.rows({ limit: 20_000 })).toHaveLength(9_000)
  })
})
