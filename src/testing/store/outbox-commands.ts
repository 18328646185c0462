import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { CommandDelivery, OutboxCommand, OutboxItem } from "../../core/ports/store/outbox.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import type { Store } from "../../core/ports/store/store.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  openSession,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
} from "../session-log/fixtures.ts"
import { createApproval, createEnding, startAskingSession } from "../session-log/waits/wait-fixtures.ts"

/** Writes one command into the outbox of a session. Resolves to its row's session and id. */
async function sent(log: SessionLog, payload: OutboxCommand): Promise<{ from: string; id: string }> {
  const { sessionId, lease, runId } = await startSession(log)
  const id = randomIds.next("key")
  const item: OutboxItem = { id, kind: "command", payload }
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1), runId, stepStarted)], outbox: [item] })
  return { from: sessionId, id }
}

async function delivered({ outbox }: Store, id: string): Promise<CommandDelivery | undefined> {
  return (await outbox.deliverCommands({ limit: 1_000 })).find((delivery) => delivery.id === id)
}

async function rowOf({ outbox }: Store, sessionId: string) {
  return (await outbox.rows({ sessionId, limit: 1 }))[0]
}

export const outboxCommandCases: readonly SessionLogCase[] = [
  {
    rule: 18,
    name: "a message for another session is moved into its inbox once, and its row is gone",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const target = await openSession(log)
      const command = createMessage(target)
      const { from, id } = await sent(log, { type: "put", command })
      const delivery = await delivered(store, id)
      assert.deepEqual(delivery, {
        number: delivery?.number,
        id,
        from,
        to: target,
        result: { type: "delivered" },
      })
      assert.equal(await delivered(store, id), undefined)
      assert.equal(await rowOf(store, from), undefined)
      const pending = await log.pending(await claimSession(log, target))
      assert.deepEqual(
        pending.map((each) => (each.type === "message" ? each.runId : each.type)),
        [command.runId],
      )
    },
  },
  {
    rule: 18,
    name: "two processes that deliver concurrently move each command once",
    async run({ open }) {
      const store = await open()
      const { log, outbox } = store
      const targets = await Promise.all(Array.from({ length: 20 }, () => openSession(log)))
      const ids = await Promise.all(
        targets.map(async (target) => (await sent(log, { type: "put", command: createMessage(target) })).id),
      )
      const rounds = await Promise.all([1, 2, 3].map(() => outbox.deliverCommands({ limit: 1_000 })))
      const moved = rounds.flat().filter(({ id }) => ids.includes(id))
      const rest = await outbox.deliverCommands({ limit: 1_000 })
      const all = [...moved, ...rest.filter(({ id }) => ids.includes(id))]
      assert.deepEqual(all.map(({ id }) => id).sort(), [...ids].sort())
      for (const target of targets) {
        assert.equal((await log.pending(await claimSession(log, target))).length, 1)
      }
    },
  },
  {
    rule: 18,
    name: "an answer for another session closes its wait once, and one that arrives too late is dropped",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const asking = await startAskingSession(log)
      const [wait] = asking.waits
      const answer = { type: "answer", command: createApproval(asking.sessionId, wait) } as const
      const first = await sent(log, answer)
      const second = await sent(log, answer)
      assert.deepEqual((await delivered(store, first.id))?.result ?? null, { type: "delivered" })
      // One call delivered both commands in order.
      assert.equal(await rowOf(store, second.from), undefined)
      const gone = { ...answer, command: createApproval("sess_gone", wait) }
      const third = await sent(log, gone)
      const result = { type: "dropped", reason: "wait_not_found" }
      assert.deepEqual((await delivered(store, third.id))?.result, result)
      await commitOk(log, createEnding(asking, 2))
    },
  },
  {
    rule: 18,
    name: "a message for a busy session waits for its run to end, and one for a removed session is dead",
    async run({ open }) {
      const store = await open()
      const { log, outbox } = store
      const busy = await startSession(log)
      const waiting = await sent(log, { type: "put", command: createMessage(busy.sessionId) })
      const result = (await delivered(store, waiting.id))?.result
      assert.deepEqual(result, { type: "retry", reason: "session_busy", retryInMs: 1_000 })
      const row = await rowOf(store, waiting.from)
      assert.deepEqual([row?.state, row?.attempts, row?.lastError], ["waiting", 1, "session_busy"])
      const lost = await sent(log, { type: "put", command: createMessage("sess_gone") })
      assert.deepEqual((await delivered(store, lost.id))?.result, {
        type: "dead",
        reason: "session_not_found",
      })
      assert.equal((await rowOf(store, lost.from))?.state, "dead")
      await outbox.drop({ numbers: [row?.number ?? 0] })
    },
  },
  {
    rule: 18,
    name: "a command for another principal's session, and one that cannot be read, are dead and reach no inbox",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const foreign = randomIds.next("sess")
      const owner = { tenant: "tenant", userId: "stranger", agent: "agent", createdAt: 1_000 }
      await log.createSession({ id: foreign, ...owner })
      const { id } = await sent(log, { type: "put", command: createMessage(foreign) })
      assert.deepEqual((await delivered(store, id))?.result, { type: "dead", reason: "other_principal" })
      assert.deepEqual(await log.pending(await claimSession(log, foreign)), [])
      const { sessionId, lease, runId } = await startSession(log)
      const entries = [createEvent(toSeq(lease, 1), runId, stepStarted)]
      const target = await openSession(log)
      const items = [null, "put", { type: "put" }, { type: "put", command: { sessionId: target } }]
      await commitOk(log, {
        lease,
        entries,
        outbox: items.map((payload, index) => ({ id: `${index}`, kind: "command", payload })),
      })
      await store.outbox.deliverCommands({ limit: 1_000 })
      const rows = await store.outbox.rows({ sessionId, limit: 10 })
      assert.deepEqual(
        rows.map(({ state }) => state),
        items.map(() => "dead"),
      )
      assert.deepEqual(await log.pending(await claimSession(log, target)), [])
    },
  },
]
