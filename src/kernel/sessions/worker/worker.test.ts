import { expect, it, vi } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import { StoreUnavailableError } from "../../../core/errors.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { fakeLiveness } from "../fixtures/fake-liveness.ts"
import {
  alice,
  forever,
  patience,
  prepareTestNodes,
  putAccepted,
  silentLogger,
} from "../fixtures/test-gateway.ts"

const start = prepareTestNodes()

/** Starts a node whose calls of the log are recorded: sweeps, comparisons of leases, and reads of inboxes. */
async function startRecorded(change: (log: SessionLog) => Partial<SessionLog> = () => ({})) {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const calls: string[] = []
  const base = { ...store.log, ...change(store.log) }
  const log: SessionLog = {
    ...base,
    claimRunnable: (...given) => {
      calls.push("sweep")
      return base.claimRunnable(...given)
    },
    held: () => {
      calls.push("compare")
      return base.held()
    },
    pending: (...given) => {
      calls.push("read")
      return base.pending(...given)
    },
  }
  const provider = scriptedProvider(() => [forever])
  const node = await start(provider, { store: { ...store, log }, maxConcurrentRuns: 1_000 })
  const count = (name: string) => calls.filter((each) => each === name).length
  return { node, provider, calls, count }
}

/** Returns for each comparison of leases the number of sweeps before it. */
function sweepsBeforeComparisons(calls: readonly string[]): readonly number[] {
  return calls.flatMap((name, index) =>
    name === "compare" ? [calls.slice(0, index).filter((each) => each === "sweep").length] : [],
  )
}

it("compares its leases at its start and then in every tenth sweep (rule 9)", async () => {
  const { calls, count } = await startRecorded()
  await vi.waitFor(() => expect(count("compare")).toBe(3), patience)
  expect(sweepsBeforeComparisons(calls)).toEqual([0, 10, 20])
})

it("compares its leases in the next sweep after a claim failed, whose lease it may hold (rule 9)", async () => {
  let isLost = true
  const { node, calls, count } = await startRecorded((log) => ({
    putAndClaim: async (...given) => {
      const outcome = await log.putAndClaim(...given)
      if (isLost) throw new StoreUnavailableError()
      return outcome
    },
  }))
  const { id } = await node.sessions.create(alice)
  const sweeps = count("sweep")
  await expect(putAccepted(node, id, "Hi")).rejects.toThrow(StoreUnavailableError)
  isLost = false
  await vi.waitFor(() => expect(node.worker.leases.map(({ sessionId }) => sessionId)).toEqual([id]), patience)
  expect(sweepsBeforeComparisons(calls).at(-1)).toBeLessThanOrEqual(sweeps + 1)
})

it("compares its leases once more after a claim that was in progress during the comparison (rule 9)", async () => {
  let attempts = 0
  const compared = Promise.withResolvers<void>()
  const { node, calls, count } = await startRecorded((log) => ({
    putAndClaim: async (...given) => {
      attempts += 1
      const outcome = await log.putAndClaim(...given)
      if (attempts === 1) throw new StoreUnavailableError()
      await compared.promise
      return outcome
    },
  }))
  const { id } = await node.sessions.create(alice)
  await expect(putAccepted(node, id, "Hi")).rejects.toThrow(StoreUnavailableError)
  const before = count("compare")
  const retried = putAccepted(node, id, "Hi again", { whenBusy: "queue" })
  await vi.waitFor(() => expect(count("compare")).toBe(before + 1), patience)
  compared.resolve()
  await retried
  const sweeps = count("sweep")
  await vi.waitFor(() => expect(node.worker.leases.map(({ sessionId }) => sessionId)).toEqual([id]), patience)
  expect(sweepsBeforeComparisons(calls).at(-1)).toBeLessThanOrEqual(sweeps + 1)
})

it("compares its leases at once when it is live again after a lapse (rules 8 and 9)", async () => {
  const liveness = fakeLiveness()
  const { calls, count } = await startRecorded(() => ({ liveness }))
  expect(count("compare")).toBe(1)
  const sweeps = count("sweep")
  liveness.lapse()
  liveness.renew()
  await vi.waitFor(() => expect(count("compare")).toBe(2), patience)
  expect(sweepsBeforeComparisons(calls).at(-1)).toBeLessThanOrEqual(sweeps + 1)
})

it("reads the inboxes of all running sessions from time to time, and at most 100 of them in a sweep", async () => {
  const { node, provider, calls, count } = await startRecorded()
  const sessions = await Promise.all(Array.from({ length: 150 }, () => node.sessions.create(alice)))
  await Promise.all(sessions.map(({ id }) => putAccepted(node, id, "Hi")))
  await vi.waitFor(() => expect(provider.requests).toHaveLength(150), patience)
  calls.length = 0
  await vi.waitFor(() => expect(count("read")).toBeGreaterThanOrEqual(450), patience)
  const reads = calls
    .join(" ")
    .split("sweep")
    .map((sweep) => sweep.split("read").length - 1)
    .filter((each) => each > 0)
  expect(Math.max(...reads)).toBe(100)
  // The recording may have started between the two sweeps that read all inboxes.
  expect(reads.slice(reads.indexOf(100), reads.indexOf(100) + 3)).toEqual([100, 50, 100])
})
