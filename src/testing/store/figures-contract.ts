import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { StoreFigures } from "../../core/ports/store/figures.ts"
import type { Store } from "../../core/ports/store/store.ts"
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
} from "../session-log/fixtures.ts"
import { createWait } from "../session-log/waits/wait-fixtures.ts"

export const figuresCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "the figures of a store count what is open, queued, undelivered and due",
    async run({ open }) {
      const store = await open()
      if (store.figures === undefined) return
      const { log, outbox, schedules, clock = { now: Date.now } } = store
      const before = await read(store)

      const queued = await openSession(log)
      await log.put(createMessage(queued, { at: clock.now() - 60_000 }))
      const { lease, runId, agent } = await startSession(log)
      const at = clock.now()
      const kinds = ["approval", "approval", "timer"] as const
      const opened = kinds.map((kind) =>
        createWait(runId, { kind, openedAt: at - 50_000, expiresAt: at + 3_600_000 }),
      )
      const kind = `kind_${randomIds.next("key")}`
      await commitOk(log, {
        lease,
        entries: [createEvent(toSeq(lease, 1), runId, stepStarted)],
        waitsOpened: opened,
        outbox: [
          { id: "a", kind, payload: null },
          { id: "b", kind, payload: null, notBefore: at + 3_600_000 },
        ],
      })
      const [item] = await outbox.claim({ kind, limit: 1, maxBytes: 1_000, leaseMs: 60_000 })
      assert.ok(item !== undefined)
      await outbox.fail(item, { error: "no", retryInMs: null })
      const times = { createdAt: at - 40_000, nextAt: at - 40_000, wakeAt: at - 40_000 }
      const spec = { every: "1h", timezone: "UTC", message: "Look.", session: "fresh" } as const
      await schedules?.create(
        {
          ...{ id: randomIds.next("sched"), agent: createAgentName(), tenant: "tenant", userId: "user" },
          ...{ name: agent, origin: "user", sessionId: null, ...times },
          spec: { ...spec, overlap: "skip", catchUp: "one" },
        },
        { perOwner: 1_000, perAgent: 1_000 },
      )

      const after = await read(store)
      assert.deepEqual(count(after), {
        queue: before.queue.count + 1,
        openRuns: before.openRuns + 1,
        approvals: (before.waits.approval?.count ?? 0) + 2,
        timers: (before.waits.timer?.count ?? 0) + 1,
        waiting: before.outbox.count + 1,
        dead: before.deadItems + 1,
        due: before.dueSchedules.count + (schedules === undefined ? 0 : 1),
      })
      assert.ok(after.queue.oldestMs >= 60_000)
      assert.ok((after.waits.approval?.oldestMs ?? 0) >= 50_000)
      if (schedules !== undefined) assert.ok(after.dueSchedules.oldestMs >= 40_000)
    },
  },
]

async function read(store: Store): Promise<StoreFigures> {
  const figures = await store.figures?.()
  assert.ok(figures !== undefined)
  return figures
}

function count({ queue, openRuns, waits, outbox, deadItems, dueSchedules }: StoreFigures) {
  return {
    queue: queue.count,
    openRuns,
    approvals: waits.approval?.count,
    timers: waits.timer?.count,
    waiting: outbox.count,
    dead: deadItems,
    due: dueSchedules.count,
  }
}
