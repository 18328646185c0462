import { expect, test } from "vitest"
import { patienceMs } from "../patience.ts"
import { crashPoints } from "./support/crash-points.ts"
import { inParallel } from "./support/in-parallel.ts"
import { namedRounds, randomRound } from "./support/plans.ts"
import { Report } from "./support/report.ts"
import { playRound, type RoundPlan } from "./support/round.ts"

const seed = process.env.CRASH_SEED ?? String(Date.now())
const randomRounds = 4

async function reportOf(plans: readonly RoundPlan[]): Promise<Report> {
  const report = new Report({ resumeMs: patienceMs })
  await inParallel(plans, 2, async (plan) => {
    await report.add(await playRound(plan))
  })
  return report
}

// The limits only bound a hang. The first test takes 70 seconds alone, and 370 beside five others on two CPUs.
test("accepted work survives a kill at every crash point: nothing is lost, nothing is done twice", async () => {
  const report = await reportOf(await namedRounds())
  expect(report.violations).toEqual([])
  expect([...report.points.keys()].sort()).toEqual([...crashPoints.keys()].sort())
}, 960_000)

test(`accepted work survives kills at random times (CRASH_SEED=${seed})`, async () => {
  const plans = Array.from({ length: randomRounds }, (_, number) => randomRound(seed, number))
  const report = await reportOf(plans)
  expect(report.violations).toEqual([])
})
