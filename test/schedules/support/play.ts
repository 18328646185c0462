import { setTimeout as delay } from "node:timers/promises"
import { randomIds } from "../../../src/core/ids.ts"
import {
  type DirectoryCursor,
  maxDirectoryPage,
  type RunQuery,
} from "../../../src/core/ports/store/directory.ts"
import type { Occurrence, Schedule } from "../../../src/core/ports/store/schedules.ts"
import type { WholeStore } from "../../../src/core/ports/store/store.ts"
import { systemClock } from "../../../src/core/time/clock.ts"
import { storeNamed } from "../../../src/gateway/service/open-store.ts"
import type { Random } from "../../crash/support/random.ts"
import { type NodeProcess, startNode } from "./node-process.ts"

export interface Plan {
  /** A data directory, or a Postgres URL. */
  readonly store: string
  readonly nodes: number
  readonly schedules: number
  /** Occurrences of each schedule, at most a hundred. */
  readonly occurrences: number
  readonly kills: number
  readonly random: Random
}

export interface Played {
  /** All violations of the guarantees, one line each. */
  readonly violations: readonly string[]
  readonly fired: number
  readonly kills: number
}

const hour = 3_600_000
const deadlineMs = 300_000
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const owner = { tenant: "tenant", userId: "user" }

/**
 * Lets processes with the same schedules work, while one after another is killed. Each schedule is due many times.
 */
export async function play(plan: Plan): Promise<Played> {
  const store = await storeNamed(plan.store).open({
    durability: "process",
    clock: systemClock,
    logger: silent,
  })
  try {
    const expected = await seed(store, plan)
    const kills = await killUntilFired(store, plan)
    const violations: string[] = []
    let fired = 0
    for (const schedule of await allSchedules(store)) {
      const history = await store.schedules.occurrences(schedule.id, 1_000)
      const times = expected.get(schedule.id) ?? []
      violations.push(...checkSchedule(schedule, times, history))
      fired += history.filter(({ outcome }) => outcome === "started").length
    }
    violations.push(...(await checkRuns(store, plan.schedules * plan.occurrences)))
    return { violations, fired, kills }
  } finally {
    await store.close()
  }
}

/** Stores the schedules. Half of them always use the same session, and the others a new one for each occurrence. */
async function seed(
  store: WholeStore,
  { schedules, occurrences }: Plan,
): Promise<Map<string, readonly number[]>> {
  const now = await store.log.now()
  const expected = new Map<string, readonly number[]>()
  for (let number = 0; number < schedules; number += 1) {
    const id = randomIds.next("sched")
    // The occurrence after these is half an hour away.
    const createdAt = now - occurrences * hour - hour / 2
    const nextAt = createdAt + hour
    const session = number % 2 === 0 ? "fresh" : "continue"
    const outcome = await store.schedules.create(
      {
        ...owner,
        id,
        agent: "agent",
        name: `schedule-${number}`,
        origin: "user",
        spec: { every: "1h", timezone: "UTC", message: "Work.", session, overlap: "queue", catchUp: "all" },
        sessionId: session === "fresh" ? null : randomIds.next("sess"),
        createdAt,
        nextAt,
        wakeAt: nextAt,
      },
      { perOwner: schedules, perAgent: schedules },
    )
    if (outcome !== "created") throw new Error(`A schedule was not stored: ${outcome}.`)
    expected.set(
      id,
      Array.from({ length: occurrences }, (_, n) => nextAt + n * hour),
    )
  }
  return expected
}

/** Resolves to the number of kills once every occurrence was fired and every run has ended. */
async function killUntilFired(store: WholeStore, plan: Plan): Promise<number> {
  const nodes: NodeProcess[] = Array.from({ length: plan.nodes }, () => startNode(plan.store))
  const deadline = Date.now() + deadlineMs
  let kills = 0
  try {
    await Promise.all(nodes.map(({ ready }) => ready))
    while (kills < plan.kills || !(await isSettled(store))) {
      if (Date.now() > deadline) throw new Error("The occurrences were not all fired in time.")
      await delay(plan.random.whole(50, 800))
      if (kills >= plan.kills) continue
      kills += 1
      const victim = plan.random.whole(0, nodes.length - 1)
      await nodes[victim]?.kill()
      const next = startNode(plan.store)
      nodes[victim] = next
      // A process may also be killed during its start.
      if (plan.random.chance(0.7)) await next.ready
    }
    return kills
  } finally {
    await Promise.all(nodes.map((node) => node.kill()))
  }
}

async function isSettled(store: WholeStore): Promise<boolean> {
  const schedules = await allSchedules(store)
  const now = await store.log.now()
  return schedules.every(({ nextAt, waiting, isRunning }) => {
    return nextAt !== null && nextAt > now && waiting.length === 0 && !isRunning
  })
}

function allSchedules({ schedules }: WholeStore): Promise<readonly Schedule[]> {
  return schedules.list({ agent: "agent", limit: 10_000 })
}

function* checkSchedule(
  { name }: Schedule,
  expected: readonly number[],
  history: readonly Occurrence[],
): Iterable<string> {
  for (const at of expected) {
    const found = history.filter((occurrence) => occurrence.at === at)
    const started = found.filter(({ outcome }) => outcome === "started")
    if (started.length !== 1) yield `${name}: an occurrence was started ${started.length} times`
    if (found.length !== 1) yield `${name}: an occurrence is ${found.length} times in the history`
  }
  if (history.length !== expected.length)
    yield `${name}: ${history.length} occurrences in place of ${expected.length}`
  const runs = new Set(history.map(({ runId }) => runId))
  if (runs.size !== history.length) yield `${name}: two occurrences name one run`
}

/**
 * Checks that every occurrence has its run, that every run belongs to an occurrence, and that all runs have ended.
 */
async function checkRuns(store: WholeStore, expected: number): Promise<readonly string[]> {
  const states = new Map<string, number>()
  let after: DirectoryCursor | null = null
  do {
    const query: RunQuery = { principal: owner, limit: maxDirectoryPage, ...(after !== null && { after }) }
    const { items, next } = await store.directory.runs(query)
    for (const { state } of items) states.set(state, (states.get(state) ?? 0) + 1)
    after = next
  } while (after !== null)
  if (states.get("completed") === expected && states.size === 1) return []
  return [`the runs are ${JSON.stringify([...states])}, not ${expected} completed ones`]
}
