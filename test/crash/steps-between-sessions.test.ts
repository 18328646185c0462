import { expect, onTestFinished, test } from "vitest"
import { patienceMs } from "../patience.ts"
import { inParallel } from "./support/in-parallel.ts"
import { namedRounds, treePoints } from "./support/plans.ts"
import { startPostgres } from "./support/postgres.ts"
import { Report } from "./support/report.ts"
import { playRound } from "./support/round.ts"

test("every step between sessions survives a kill of either node on Postgres", async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const report = new Report({ resumeMs: patienceMs })
  const store = (round: number) => server.createDatabase(`tree_${round}`)
  await inParallel(await namedRounds({ points: treePoints, store, nodes: 2 }), 2, async (plan) => {
    await report.add(await playRound(plan))
  })
  expect(report.violations).toEqual([])
  expect([...report.points.keys()].sort()).toEqual([...treePoints].sort())
})
