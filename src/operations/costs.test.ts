import { expect, it, vi } from "vitest"
import type { ListedRun, ListedSession } from "../core/ports/store/directory.ts"
import { createCosts, type RunEnd } from "./costs.ts"

const run = (id: string, state: ListedRun["state"]) => ({ id, sessionId: "sess_1", state }) as ListedRun
const session = (storedBytes: number) => ({ id: "sess_1", lastUsedAt: 1, storedBytes }) as ListedSession
const costing = (cost: number | null): RunEnd => ({ at: 1, cost, error: null })

function costsOf(runs: readonly ListedRun[], ends: Readonly<Record<string, RunEnd>>, hasMore = false) {
  const readEnd = vi.fn(async (_: string, runId: string) => ends[runId] ?? null)
  const next = hasMore ? { createdAt: 1, id: "run_0" } : null
  const listRuns = vi.fn(async () => ({ items: runs, next }))
  return { readEnd, listRuns, ...createCosts({ directory: { runs: listRuns }, readEnd }) }
}

it("adds the costs of a session's runs, and reads each end once", async () => {
  const runs = [run("a", "completed"), run("b", "failed"), run("c", "running")]
  const { ofSession, ofRun, readEnd } = costsOf(runs, { a: costing(0.25), b: costing(0.5) })
  expect(await ofSession(session(10))).toEqual({ cost: 0.75, isPartial: false })
  expect(await ofRun(run("a", "completed"))).toEqual(costing(0.25))
  expect(await ofRun(run("c", "running"))).toBeNull()
  expect(readEnd).toHaveBeenCalledTimes(2)
})

it("reads the runs of a session again only after its log has grown", async () => {
  const { ofSession, listRuns } = costsOf([run("a", "completed")], { a: costing(1) })
  for (const bytes of [10, 10, 20]) await ofSession(session(bytes))
  expect(listRuns).toHaveBeenCalledTimes(2)
})

it("reports no cost for a session with a run of unknown price, and marks left-out older runs", async () => {
  const { ofSession } = costsOf(
    [run("a", "completed"), run("b", "completed")],
    { a: costing(1), b: costing(null) },
    true,
  )
  expect(await ofSession(session(10))).toEqual({ cost: null, isPartial: true })
})

it("leaves out a removed run", async () => {
  const { ofSession } = costsOf([run("a", "completed"), run("b", "completed")], { a: costing(1) })
  expect(await ofSession(session(10))).toEqual({ cost: 1, isPartial: false })
})
