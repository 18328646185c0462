import { afterEach, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { PruneLimits } from "../../core/ports/store/prune-limits.ts"
import { systemClock } from "../../core/time/clock.ts"
import { silentLogger } from "./fixtures/test-gateway.ts"
import { startHousekeeping } from "./housekeeping.ts"

afterEach(() => {
  vi.useRealTimers()
})

it("drops expired deltas and sessions, by the store's clock", async () => {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const pruned: PruneLimits[] = []
  const removeOthers = vi.fn(async () => {})
  const log = {
    ...store.log,
    now: async () => 10 * 24 * 60 * 60 * 1_000,
    prune: async (limits: PruneLimits) => void pruned.push(limits),
  }
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
  const stop = startHousekeeping({
    log,
    archive: store.archive,
    logger: silentLogger,
    sessionRetentionDays: 4,
    keepDeltasSeconds: 5,
    removeOthers,
    removedSessionKinds: ["expired"],
  })
  await vi.advanceTimersByTimeAsync(60_000)
  stop()
  await vi.advanceTimersByTimeAsync(600_000)
  const now = 10 * 24 * 60 * 60 * 1_000
  expect(pruned).toMatchObject([
    {
      deltasSettledBefore: now - 5_000,
      sessionsUsedBefore: now - 4 * 24 * 60 * 60 * 1_000,
      removedSessionKinds: ["expired"],
    },
  ])
  expect(removeOthers).toHaveBeenCalledExactlyOnceWith(now, expect.any(AbortSignal))
  await store.close()
})
