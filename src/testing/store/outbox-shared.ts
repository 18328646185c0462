import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import type { Subscriptions } from "../../core/ports/store/subscriptions.ts"
import {
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  openSession,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
  waitFor,
} from "../session-log/fixtures.ts"

async function writeItems(log: SessionLog, kind: string, count: number): Promise<void> {
  const { lease, runId } = await startSession(log)
  const outbox = Array.from({ length: count }, (_, n) => ({ id: `${n}`, kind, payload: n }))
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1), runId, stepStarted)], outbox })
}

/** Receives the subscriber's due events like a process. Resolves to the number of cursors that it claimed. */
async function receive(
  { log, subscriptions }: { readonly log: SessionLog; readonly subscriptions: Subscriptions },
  { subscriber, agent }: { readonly subscriber: string; readonly agent: string },
  received: number[],
): Promise<number> {
  const cursors = await subscriptions.claim({ subscriber, agents: [agent], limit: 10, leaseMs: 60_000 })
  for (const cursor of cursors) {
    const entries = await log.read(cursor.sessionId, { afterSeq: cursor.seq, limit: 1_000, deltas: false })
    received.push(...entries.map(({ seq }) => seq))
    await subscriptions.finish(cursor, entries.at(-1)?.seq ?? cursor.seq)
  }
  return cursors.length
}

/** Cases for the outbox and subscribers of a store that several processes may open. */
export const sharedOutboxCases: readonly SessionLogCase[] = [
  {
    rule: 17,
    name: "two processes that claim concurrently claim each row once, and a dead one's rows after its claim ends",
    async run({ open, crash }) {
      const [first, second] = [await open(), await open()]
      const kind = `kind_${randomIds.next("key")}`
      await writeItems(first.log, kind, 40)
      const claim = (limit: number, leaseMs: number) => ({ kind, limit, maxBytes: 1_000_000, leaseMs })
      const rounds = await Promise.all(
        [first, second, first, second].map(({ outbox }) => outbox.claim(claim(10, 1_500))),
      )
      const claimed = rounds.flat().map(({ number }) => number)
      assert.equal(new Set(claimed).size, claimed.length)
      await crash(first)
      const again = new Set<number>()
      await waitFor("the rows of the dead process", async () => {
        for (const { number } of await second.outbox.claim(claim(100, 60_000))) again.add(number)
        return again.size === 40 ? true : null
      })
    },
  },
  {
    rule: 18,
    name: "two processes that deliver commands concurrently deliver each once",
    async run({ open }) {
      const [first, second] = [await open(), await open()]
      const targets = await Promise.all(Array.from({ length: 15 }, () => openSession(first.log)))
      const { lease, runId } = await startSession(first.log)
      const outbox = targets.map((target) => {
        return {
          id: target,
          kind: "command",
          payload: { type: "put", command: createMessage(target) },
        } as const
      })
      await commitOk(first.log, {
        lease,
        entries: [createEvent(toSeq(lease, 1), runId, stepStarted)],
        outbox,
      })
      const delivered: string[] = []
      await waitFor("all commands", async () => {
        const both = [first, second].map((store) => store.outbox.deliverCommands({ limit: 1_000 }))
        for (const { id, result } of (await Promise.all(both)).flat()) {
          if (targets.includes(id)) assert.equal(result.type, "delivered")
          if (targets.includes(id)) delivered.push(id)
        }
        return delivered.length >= targets.length ? true : null
      })
      assert.deepEqual(delivered.sort(), [...targets].sort())
    },
  },
  {
    rule: 19,
    name: "a commit while another process's cursor reaches the end is not missed, and is received once",
    async run({ open }) {
      const [writer, reader] = [await open(), await open()]
      const subscription = { subscriber: `subscriber_${randomIds.next("key")}`, agent: createAgentName() }
      await reader.subscriptions.register([subscription])
      const { lease, runId } = await startSession(writer.log, { agent: subscription.agent })
      const received: number[] = []
      const count = 60
      const writing = (async () => {
        for (let n = 1; n <= count; n += 1) {
          await commitOk(writer.log, { lease, entries: [createEvent(toSeq(lease, n), runId, stepStarted)] })
        }
      })()
      await waitFor("all events", async () => {
        await receive(reader, subscription, received)
        return received.length >= count ? true : null
      })
      await writing
      assert.deepEqual(
        received,
        Array.from({ length: count }, (_, n) => toSeq(lease, n + 1)),
      )
      // The last commit may have happened between the last read and the end of its claim.
      await receive(reader, subscription, received)
      assert.equal(await receive(reader, subscription, received), 0)
      assert.equal(received.length, count)
    },
  },
]
