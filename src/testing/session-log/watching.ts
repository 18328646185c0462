import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import {
  cancel,
  commitOk,
  createAgentName,
  createMessage,
  createTextDelta,
  openSession,
  readNext,
  requireAcceptedPut,
  type SessionLogCase,
  startSession,
  toSeq,
} from "./fixtures.ts"

const owner = { tenant: "tenant", userId: "user" }

export const watchingCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a watcher that reads after every yield misses no entry",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const stop = new AbortController()
      const total = 200
      const writing = (async () => {
        for (let n = 1; n <= total; n += 1) {
          await commitOk(log, { lease, entries: [createTextDelta(toSeq(lease, n), runId, "x")] })
        }
      })()
      let last = 0
      for await (const _ of bounded(log.watch(sessionId, { signal: stop.signal }))) {
        const entries = await log.read(sessionId, { afterSeq: last, limit: 1_000 })
        last = entries.at(-1)?.seq ?? last
        if (last === toSeq(lease, total)) stop.abort()
      }
      await writing
      assert.equal(last, toSeq(lease, total))
    },
  },
  {
    rule: null,
    name: "writes between two reads cause one more yield for every watcher",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const stop = new AbortController()
      const watchers = [1, 2].map(() => log.watch(sessionId, { signal: stop.signal })[Symbol.asyncIterator]())
      await settle(watchers, log.session(sessionId))
      await commitOk(log, { lease, entries: [createTextDelta(toSeq(lease, 1), runId, "x")] })
      for (const watcher of watchers) assert.equal((await readNext(watcher, "a yield")).done, false)
      stop.abort()
      for (const watcher of watchers) assert.equal((await readNext(watcher, "the end")).done, true)
    },
  },
  {
    rule: null,
    name: "a watcher of a session that does not exist yet is notified of its first entries",
    async run({ open }) {
      const { log } = await open()
      const sessionId = randomIds.next("sess")
      const stop = new AbortController()
      const writing = (async () => {
        await log.createSession({ ...owner, id: sessionId, agent: createAgentName(), createdAt: 1_000 })
        const { runId, lease } = await startSession(log, { sessionId })
        await commitOk(log, { lease, entries: [createTextDelta(toSeq(lease, 1), runId, "x")] })
      })()
      let entries = 0
      for await (const _ of bounded(log.watch(sessionId, { signal: stop.signal }))) {
        entries = (await log.read(sessionId, { afterSeq: 0, limit: 10 })).length
        if (entries > 0) stop.abort()
      }
      await writing
      assert.equal(entries, 1)
    },
  },
  {
    rule: null,
    name: "a watcher ends at abort, even while it waits, before it starts, or when its reader leaves",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const stop = new AbortController()
      const waiting = collect(log.watch(sessionId, { signal: stop.signal }))
      const arrivals = collect(log.arrivals({ signal: stop.signal }))
      stop.abort()
      await Promise.all([waiting, arrivals])
      await collect(log.watch(sessionId, { signal: AbortSignal.abort() }))
      await collect(log.arrivals({ signal: AbortSignal.abort() }))
      for await (const _ of log.watch(sessionId, { signal: new AbortController().signal })) break
    },
  },
  {
    rule: null,
    name: "arrivals name the session of every accepted command",
    async run({ open }) {
      const { log } = await open()
      const sessions = [await openSession(log), await openSession(log)]
      const stop = new AbortController()
      const missing = new Set(sessions)
      const arrivals = log.arrivals({ signal: stop.signal })[Symbol.asyncIterator]()
      let next = readNext(arrivals, "an arrival")
      for (const id of sessions) requireAcceptedPut(await log.put(createMessage(id)))
      for (; missing.size > 0; next = readNext(arrivals, "an arrival")) {
        const { value, done } = await next
        assert.equal(done, false)
        missing.delete(value)
      }
      requireAcceptedPut(await log.put(cancel(sessions[0] ?? "")))
      // A hint may come twice, so one of the other session may still arrive.
      for (let found = await next; found.value !== sessions[0]; )
        found = await readNext(arrivals, "an arrival")
      stop.abort()
    },
  },
  {
    rule: null,
    name: "closing the store ends its watchers",
    async run({ open }) {
      const store = await open()
      const sessionId = await openSession(store.log)
      const { signal } = new AbortController()
      const watching = collect(store.log.watch(sessionId, { signal }))
      const arriving = collect(store.log.arrivals({ signal }))
      await store.close()
      await Promise.all([watching, arriving])
    },
  },
]

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of bounded(iterable)) all.push(each)
  return all
}

/** Yields the same items. Fails if nothing comes, and does not hang. */
async function* bounded<T>(iterable: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = iterable[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await readNext(iterator, "a yield or the end")
    if (done === true) return
    yield value
  }
}

/** Reads the first yields, which a store may send without a change. */
async function settle(watchers: readonly AsyncIterator<void>[], before: Promise<unknown>): Promise<void> {
  await before
  await Promise.all(watchers.map((watcher) => readNext(watcher, "a first yield")))
}
