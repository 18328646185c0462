import type { Logger } from "../../../core/ports/logger.ts"
import type { StoreFigures } from "../../../core/ports/store/figures.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import type { SeriesFactory } from "./series.ts"

/** Prometheus waits 10 seconds for all metrics. */
const timeoutMs = 5_000
const scope = "store"

/**
 * Returns a function that reads the figures of the store, which all its processes report alike. The label `scope` says
 * so, because a sum over the processes would count them several times. If the store cannot be read, they are left out.
 */
export function measureStore(
  { gauge }: SeriesFactory,
  read: () => Promise<StoreFigures>,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): () => Promise<void> {
  const up = gauge("store_up", "1 if the store answered, and 0 otherwise.")
  const queued = gauge("queue_messages", "Messages whose runs have not opened.", ["scope"])
  const queueAge = gauge("queue_oldest_seconds", "Age of the oldest of these messages.", ["scope"])
  const runs = gauge("runs_open", "Runs that have not ended, including those that wait.", ["scope"])
  const waits = gauge("waits_open", "Open waits.", ["scope", "kind"])
  const waitAge = gauge("waits_oldest_seconds", "Age of the oldest open wait.", ["scope", "kind"])
  const items = gauge("outbox_items", "Outbox items: waiting or dead.", ["scope", "kind"])
  const itemAge = gauge("outbox_oldest_seconds", "Age of the oldest item that should be delivered.", [
    "scope",
  ])
  const late = gauge("schedules_due", "Schedules whose check is due.", ["scope"])
  const lateness = gauge("schedules_late_seconds", "Time since the oldest of these checks was due.", [
    "scope",
  ])
  const all = [queued, queueAge, runs, waits, waitAge, items, itemAge, late, lateness]

  return async () => {
    try {
      const bounds = { name: "The figures of the store", timeoutMs, signal }
      const figures = await callBounded(read, bounds)
      for (const each of all) each.reset()
      up.set(1)
      queued.set({ scope }, figures.queue.count)
      queueAge.set({ scope }, figures.queue.oldestMs / 1_000)
      runs.set({ scope }, figures.openRuns)
      for (const [kind, { count, oldestMs }] of Object.entries(figures.waits)) {
        waits.set({ scope, kind }, count)
        waitAge.set({ scope, kind }, oldestMs / 1_000)
      }
      items.set({ scope, kind: "waiting" }, figures.outbox.count)
      items.set({ scope, kind: "dead" }, figures.deadItems)
      itemAge.set({ scope }, figures.outbox.oldestMs / 1_000)
      late.set({ scope }, figures.dueSchedules.count)
      lateness.set({ scope }, figures.dueSchedules.oldestMs / 1_000)
    } catch (error) {
      for (const each of all) each.reset()
      up.set(0)
      if (!signal.aborted)
        logger.warn({ error }, "The store could not be read for the metrics. They lack its gauges.")
    }
  }
}
